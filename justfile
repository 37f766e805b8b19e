# What is done here often. CI is `.ci/run`, which needs no just.

# the tasks
default:
    @just --list

# what an editor would tell: types and lints
check:
    cargo clippy --locked --all-targets -- -D warnings

# every test; random ones print their seed
test *ARGS:
    cargo test --locked {{ARGS}}

# the benches, short runs: docs/benchmarks.md
bench *ARGS:
    cargo bench --locked {{ARGS}}

# the contract: its style, and whether it breaks a client
proto:
    buf lint
    buf breaking --against proto/baseline.binpb

# format, lints, documents, dependencies
lint: check
    cargo fmt --check
    RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps
    cargo deny --locked check

# everything that a change has to pass
ci:
    .ci/run
