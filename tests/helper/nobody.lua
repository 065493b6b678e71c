--- Runs orch as somebody without rights: as root nothing is forbidden.
---
---     local result = nobody.run { orch, "-e", code }    -- or the test is skipped

local nobody = {}

local PREFIX = { "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups" }

local function as_nobody(argv)
  if orch.process.run { "id", "-u" }.stdout ~= "0\n" then return argv end
  local words = table.move(PREFIX, 1, #PREFIX, 1, {})
  for key, value in pairs(argv) do
    words[math.type(key) and key + #PREFIX or key] = value
  end
  return words
end

---@async
---@param argv table as for process.run; the first word is orch itself
---@return orch.ProcessResult result the test is skipped where nobody can run orch with its
---  plug-ins, as in a folder of root's own
function nobody.run(argv)
  if not orch.process.which "setpriv" then orch.test.skip "setpriv is not installed" end
  local probe = { argv[1], "-e", 'require "orch.core.stamp" require "orch.core.sqlite"',
    check = false }
  if not orch.process.run(as_nobody(probe)).ok then
    orch.test.skip "another user cannot read the program"
  end
  return orch.process.run(as_nobody(argv))
end

return nobody
