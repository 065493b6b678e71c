-- Allocations fail, one after the other, in a binary that `make test` links for
-- this: sweep/run.lua says how. `make sweep` fails every single one.

local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") or "."

it("ends by itself and leaves nothing behind, whichever allocation fails", { timeout = "5m" }, function()
  local executable = require("orch.core.runtime").executable()
  local binary = executable:match("^(.*)/") .. "/sweep/orch"
  if not orch.fs.exists(binary) then test.skip "make test links sweep/orch" end
  local result = test.run({ here .. "/sweep/run.lua", binary }, { timeout = 300 })
  local injected, bad = result.stdout:match("(%d+) failures injected, (%d+) bad")
  expect(bad == "0" or result.stdout .. result.stderr):equals(true)
  expect(tonumber(injected)):greater_than(1000)
  expect(result.exit_code):equals(0)
end)
