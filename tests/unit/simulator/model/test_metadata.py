from vcd_simulator.model.metadata import MetadataEntry, MetadataStore


def test_entities_are_found_by_key_until_the_key_goes() -> None:
    store = MetadataStore()
    for entity in ("a", "b"):
        store.put(entity, [MetadataEntry(key="k", value="1"), MetadataEntry(key="other", value="2")])
    assert list(store.holders("GENERAL", "k")) == ["a", "b"]
    store.remove("a", "GENERAL", "k")
    assert list(store.holders("GENERAL", "k")) == ["b"]
    store.remove_all("b")
    assert list(store.holders("GENERAL", "k")) == []
    assert [entry.key for entry in store.of("a")] == ["other"]


def test_putting_merges_and_domains_are_apart() -> None:
    store = MetadataStore()
    store.put("a", [MetadataEntry(key="k", value="1"), MetadataEntry(key="k", value="s", domain="SYSTEM")])
    store.put("a", [MetadataEntry(key="k", value="2")])
    general, system = store.get("a", "GENERAL", "k"), store.get("a", "SYSTEM", "k")
    assert general is not None
    assert system is not None
    assert (general.value, system.value) == ("2", "s")
