# The commands of the project; `just ci` is what must pass before a change lands.

ci:
    .ci/run

test:
    cargo test

demo:
    cargo run --release -- demo

bench:
    cargo bench

# Soak runs: the random tests with many times their usual number of cases.
soak times="20":
    FENRUN_TEST_FACTOR={{times}} cargo test --release
