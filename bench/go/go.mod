module attache-bench

go 1.26
