-- orch.params: types, the command line, and what is refused.

local arguments = require "orch.pipeline.arguments"
local declare = require "orch.pipeline.declare"

local registry, args

before_each(function()
  registry, args = declare.reset(), rawget(orch, "args")
end)
after_each(function()
  declare.reset()
  rawset(orch, "args", args)
end)

local function spec()
  return {
    channel = { "internal", choices = { "internal", "beta" }, help = "the track" },
    version = "1.0", fast = false, slow_build = true, count = 3, ratio = 0.5,
    token = { type = "string" },
  }
end

local function read(...)
  rawset(orch, "args", { ... })
  registry = declare.reset()
  return orch.params(spec())
end

local function refused(...)
  local words = { ... }
  return expect(function() read(table.unpack(words)) end):raises("usage")
end

describe("orch.params", function()
  it("gives the defaults", function()
    local p = read()
    expect({ p.channel, p.version, p.fast, p.slow_build, p.count, p.ratio, p.token })
      :equals { "internal", "1.0", false, true, 3, 0.5, nil }
  end)

  it("reads both forms, in the type of the default", function()
    local p = read("--channel", "beta", "--version=2", "--fast", "--no-slow-build", "--count", "-7",
      "--ratio=2")
    expect({ p.channel, p.version, p.fast, p.slow_build, p.count, p.ratio })
      :equals { "beta", "2", true, false, -7, 2 }
    expect(math.type(p.count)):equals("integer")
    expect(read("--fast=no").fast):equals(false)
    expect(read("--slow_build=false").slow_build):equals(false)
    expect(read("--version=a=b").version):equals("a=b")
  end)

  it("tells its own words from jobs and from orch's options", function()
    local words = { "publish", "--ui", "plain", "--count", "4", "-j", "2", "--fast", "lint",
      "--no-fast" }
    local p = read(table.unpack(words))
    expect({ p.count, p.fast }):equals { 4, false }
    local found = arguments.parse(words, registry)
    expect(found.targets):equals { "publish", "lint" }
    expect({ found.options.ui, found.options.jobs }):equals { "plain", 2 }
  end)

  it("takes the last of several, and nothing after --", function()
    expect(read("--count", "1", "--count", "2").count):equals(2)
    expect(read("--", "--count", "1").count):equals(3)
    expect(read("--only", "--count", "--count", "9").count):equals(9) -- a job called --count
  end)

  it("remembers what it read", function()
    read("--channel", "beta")
    local by_name = {}
    for _, param in ipairs(registry.params) do by_name[param.name] = param end
    local channel = by_name.channel
    expect({ channel.flag, channel.type, channel.value, channel.default, channel.given,
      channel.help }):equals { "--channel", "string", "beta", "internal", true, "the track" }
    expect(by_name.count.given):equals(false)
    expect(by_name.slow_build.flag):equals("--slow-build")
  end)

  it("may be called by several modules of a script", function()
    rawset(orch, "args", { "--depth", "2", "--channel", "beta" })
    registry = declare.reset()
    expect(orch.params(spec()).channel):equals("beta")
    expect(orch.params({ depth = 1 }).depth):equals(2)
  end)

  it("raises where a value is read that there is not", function()
    local p = read()
    local err = expect(function() return p.chanel end):raises("usage")
    expect(err.message):contains("did you mean 'channel'?")
  end)

  it("refuses a wrong command line", function()
    for _, case in ipairs {
      { { "--channel", "bta" },
        "--channel should be internal, beta, not 'bta'; did you mean 'beta'?" },
      { { "--chanel=x" }, "there is no option '--chanel'; did you mean '--channel'?" },
      { { "--count", "x" }, "--count should be a whole number, not 'x'" },
      { { "--count=1.5" }, "--count should be a whole number, not '1.5'" },
      { { "--count" }, "option '--count' needs a value: --count COUNT" },
      { { "--version", "--fast" }, "needs a value, but '--fast' follows" },
      { { "--fast=maybe" }, "--fast is on or off, not 'maybe'; write --fast or --no-fast" },
      { { "--no-fast=x" }, "--no-fast takes no value" },
    } do
      local err = refused(table.unpack(case[1]))
      expect(err.message):contains(case[2])
      expect(err.command_line):equals(true)
    end
  end)

  it("leaves words that are nobody's to the end of the body", function()
    read("--colour", "red")
    local err = expect(function()
      arguments.parse({ "--colour", "red" }, registry)
    end):raises("usage")
    expect(err.message):contains("neither the script nor orch has an option '--colour'")
  end)

  it("insists on what is required, except where the script is only looked at", function()
    rawset(orch, "args", {})
    local err = expect(function()
      orch.params { version = { type = "string", required = true }, build = { type = "integer",
        required = true } }
    end):raises("usage")
    expect(err.message):contains("--build, --version are required")
    registry = declare.reset()
    registry.inspecting = true
    expect(orch.params({ version = { required = true } }).version):equals("?")
  end)

  it("refuses a wrong declaration", function()
    rawset(orch, "args", {})
    for _, case in ipairs {
      { { jobs = 3 }, "--jobs is an option of orch itself" },
      { { a = {} }, "needs a default" },
      { { a = { 1, choices = { 2, 3 } } }, "which is not among its choices" },
      { { a = { "x", choices = { 2 } } }, "among its choices" },
      { { a = { "x", choices = {} } }, "has no choices" },
      { { a = { "x", type = "integer" } }, "has the type integer" },
      { { a = { "x", type = "strng" } }, "did you mean 'string'?" },
      { { a = { "x", halp = "y" } }, "did you mean `help`?" },
      { { a = { "x", "y" } }, "choices = { ... }" },
      { { "x" }, "is not a name for a param" },
      { { ["a b"] = 1 }, "is not a name for a param" },
      { { a = print }, "should be a string, a boolean, an integer or a number" },
      { { a_b = 1, ["a-b"] = 2 }, "is declared twice" },
    } do
      registry = declare.reset()
      local err = expect(function() orch.params(case[1]) end):raises("usage")
      expect(err.message):contains(case[2])
      expect(err.command_line):is_nil()
    end
  end)
end)
