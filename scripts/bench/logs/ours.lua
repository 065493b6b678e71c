-- Counts the lines with errors and with warnings, caseless, in many logs.
local found = orch.fs.scan(orch.args, { errors = "error", warnings = "warning" },
  { caseless = true })
print("answer", found.total.errors .. "/" .. found.total.warnings)
