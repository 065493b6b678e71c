-- Several checks in one process: each knows what its own rules have looked at.

local check, fs = orch.check, orch.fs

describe("two checks at once", function()
  local dir
  before_each(function()
    dir = test.temp_dir()
    for _, name in ipairs { "one", "two" } do
      fs.mkdir(dir .. "/" .. name .. "/Assets")
      fs.mkdir(dir .. "/" .. name .. "/checks")
      fs.write(dir .. "/" .. name .. "/Assets/a.txt", "a")
      fs.write(dir .. "/" .. name .. "/limit", "9")
    end
    -- The rule of `one` still reads when `two` is done.
    fs.write(dir .. "/one/checks/a.lua", [[check "size" { files = "**/*.txt", run = function(file)
      orch.sleep "30ms"
      local limit = tonumber(orch.fs.read "limit")
      if file.size > limit then file:error "too large" end
    end }]])
    fs.write(dir .. "/two/checks/a.lua",
      [[check "size" { files = "**/*.txt", run = function() end }]])
  end)

  local function run(name)
    return function() return #check.run { folder = dir .. "/" .. name, fail_on = "never" }.findings end
  end

  it("do not make each other forget what they depend on", function()
    expect(orch.gather { one = run "one", two = run "two" }):equals { one = 0, two = 0 }
    fs.write(dir .. "/one/limit", "0")
    expect(run "one"()):equals(1)
  end)

  it("of which one is inside of the other's rule are refused with the reason", function()
    fs.write(dir .. "/one/checks/a.lua", [[check "size" { files = "**/*.txt", run = function()
      orch.check.run { folder = "." }
    end }]])
    local result = check.run { folder = dir .. "/one", fail_on = "never" }
    expect(result.findings[1].rule):equals "rule.broken"
    expect(result.findings[1].message):contains "a rule cannot run a check"
  end)
end)
