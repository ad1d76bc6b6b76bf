"""Operations outlive the sessions that began them, as far as the tenant's own rights are not needed any more."""

from cse_testing.clusters.site import site


def test_a_creation_whose_session_ends_is_taken_back_by_the_service_account() -> None:
    with site("lab") as vcd:
        alice, again = (vcd.login("alice", "acme", "alice-secret") for _ in range(2))
        creation = vcd.create(alice, "orphan", workers=1)
        for event in vcd.watch(creation, again):
            if event.message.startswith("Creating cluster"):
                break
        vcd.logout(alice)
        ended = vcd.ended(creation, again)
        assert ended.HasField("error")
        assert ended.error.message.endswith(
            ") failed at step add_machines: the session with vCD in which it was begun has ended; log in and begin it "
            "again. Everything was taken back."
        )
        found = vcd.send("GET", f"{vcd.vcd.url}/api/query?type=vApp&format=records", again)
        assert found.get("total") == "0"
