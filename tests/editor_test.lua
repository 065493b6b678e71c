-- What an editor is told is what there is.

local fs = require "orch.fs"
local option = require "orch.pipeline.option"
local policy = require "orch.retry.policy"

local lua = fs.path.absolute((debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$" or ".") .. "/../lua")

--- The fields of a class, from the comments of a module.
local function fields_of(module, class)
  local block = fs.read(("%s/orch/%s.lua"):format(lua, module))
    :match("%-%-%-@class " .. class:gsub("%.", "%%.") .. "\n(.-)\n[^-]")
  local names = {}
  for name in block:gmatch "%-%-%-@field ([%w_]+)" do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function keys_of(map)
  local names = {}
  for name in pairs(map) do names[#names + 1] = name end
  table.sort(names)
  return names
end

describe("what editors are told", function()
  it("of the global `orch` is all that it has, and nothing else", function()
    local env = { require = require }
    assert(loadfile(lua .. "/orch/editor.lua", "t", env))()
    local said = env.orch
    said.args = nil
    local is = {}
    for name, value in pairs(orch) do is[name] = value end
    expect(keys_of(said)):equals(keys_of(is))
    for name, value in pairs(is) do expect(said[name]):is(value) end
  end)

  it("of options is what is understood", function()
    expect(fields_of("pipeline/option", "orch.JobOptions")):equals(keys_of(option.known))
    expect(fields_of("retry", "orch.RetryOptions")):equals(keys_of(policy.options))
  end)
end)
