-- One job over a tree of 100,000 files.
orch.job "count" {
  inputs = "../tree/**", outputs = "count.txt", run = "find ../tree -type f | wc -l > count.txt",
}
