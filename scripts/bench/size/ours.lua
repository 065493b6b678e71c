-- The bytes below a folder, as `du -sb` counts them.
print("answer", (orch.fs.size(orch.args[1])))
