"""What `cse check` looks at. Every check tells what it found; none stops at the first thing that is wrong."""
