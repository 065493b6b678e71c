--- The option `progress` of archives: a function that is told how far it is, or a bar.
---
---     orch.archive.create("a.zip", { folder = "a", progress = function(done, total, name) end })

local teller = require "orch.teller"

local watch = {}

---Runs `fn(...)` while what its meter says is told.
---@async
---@param fname string
---@param shown any the option
---@param meter table of orch.core.archive
---@param fn function
---@return any ... its results
function watch.run(fname, shown, meter, fn, ...)
  return teller.during(fname, shown, function(tell, at_end)
    local done, total, name = meter:look()
    tell(at_end and total or done, total, name)
  end, fn, ...)
end

return watch
