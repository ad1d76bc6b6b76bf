"""What every gRPC server and client of ours does the same way. The only part of cse-core that imports gRPC."""
