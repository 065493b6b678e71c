-- Counts the lines with errors and with warnings, caseless, in many logs.
local counts = orch.fs.scan(orch.args, { "error", "warning" }, { caseless = true })
local errors, warnings = 0, 0
for _, count in pairs(counts) do
  errors = errors + count[1]
  warnings = warnings + count[2]
end
print("answer", errors .. "/" .. warnings)
