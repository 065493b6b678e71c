-- orch.arg: what a wrong call is told.

local arg = require "orch.arg"

local function message_of(fn, ...)
  local args = table.pack(...)
  return expect(function() fn(table.unpack(args, 1, args.n)) end):raises("usage").message
end

describe("check", function()
  it("gives the value to use", function()
    for _, case in ipairs {
      { "string", "x", "x" }, { "number", 1.5, 1.5 }, { "boolean", false, false },
      { "integer", 5.0, 5 }, { "string|number", 3, 3 }, { "duration", "1h30m", 5400 },
      { "duration", "500ms", 0.5 }, { "duration", "2d", 172800 }, { "duration", " 5 s", 5 },
      { "duration", 0.25, 0.25 }, { "duration", "1.5", 1.5 }, { "duration", math.huge, math.huge },
      { "size", "64K", 65536 }, { "size", "1.5M", 1572864 }, { "size", "8GiB", 8 << 30 },
      { "size", 10, 10 }, { "size", "100", 100 }, { "path", "a/b", "a/b" },
    } do
      expect(arg.check("f", 1, case[2], case[1])):equals(case[3])
    end
    expect(math.type(arg.check("f", 1, 5.0, "integer"))):equals "integer"
    expect(arg.check("f", 1, nil, "duration?")):is_nil()
    expect(arg.check("f", 1, setmetatable({}, { __call = print }), "callable")):is_a "table"
    expect(arg.check("f", 1, orch.current_task(), "task")):is(orch.current_task())
  end)

  it("names the function, the argument, what belongs there and what was given", function()
    for message, case in pairs {
      ["f: argument 2 should be a string, not nil"] = { nil, "string" },
      ["f: argument 2 should be a string or a number, not a table"] = { {}, "string|number" },
      ["f: argument 2 should be a whole number, not the number 1.5"] = { 1.5, "integer" },
      ["f: argument 2 should be a whole number, not the string \"5\""] = { "5", "integer" },
      ["f: argument 2 should be a function, not true"] = { true, "callable" },
      ["f: argument 2 should be a Task, not a function"] = { print, "task" },
      ["f: argument 2 should be a path, not the string \"\""] = { "", "path" },
      ["f: argument 2 should be a path, not a string with a NUL byte"] = { "a\0b", "path" },
      ["f: argument 2 should be a duration (seconds, or \"500ms\", \"5s\", \"2m\", \"1h30m\"), not the number -1"] = { -1, "duration" },
      ["f: argument 2 should be a size (bytes, or \"64K\", \"8G\"), not the string \"8X\""] = { "8X", "size" },
      ["f: argument 2 should be a string, not a Task"] = { orch.current_task(), "string" },
      ["f: argument 2 should be a string, not an Event"] = { orch.event(), "string?" },
    } do
      expect(message_of(arg.check, "f", 2, case[1], case[2])):equals(message)
    end
  end)

  it("refuses what only looks like a duration or a size", function()
    for _, text in ipairs { "", "s", "5x", "1h30", "-5s", "5 apples", "nan" } do
      expect(message_of(arg.check, "f", 1, text, "duration")):contains "should be a duration"
    end
    expect(message_of(arg.check, "f", 1, 0 / 0, "duration")):contains "should be a duration"
    for _, text in ipairs { "", "K", "-1K", "10KX" } do
      expect(message_of(arg.check, "f", 1, text, "size")):contains "should be a size"
    end
    expect(message_of(arg.check, "f", 1, 1.5, "size")):contains "should be a size"
  end)
end)

describe("options", function()
  local spec = { timeout = "duration", check = "boolean", mode = "string", limit = "size" }

  it("gives a copy in seconds and bytes", function()
    local given = { timeout = "2m", check = false, limit = "1K" }
    expect(arg.options("f", given, spec)):equals { timeout = 120, check = false, limit = 1024 }
    expect(given.timeout):equals "2m"
    expect(arg.options("f", nil, spec)):equals {}
  end)

  it("names an unknown option and the closest known one", function()
    expect(message_of(arg.options, "f", { timout = 1 }, spec)):equals(
      "f has no option `timout`; did you mean `timeout`?")
    expect(message_of(arg.options, "f", { Check = 1 }, spec)):contains "did you mean `check`?"
    expect(message_of(arg.options, "f", { zebra = 1 }, spec)):equals(
      "f has no option `zebra`; it knows check, limit, mode, timeout")
    expect(message_of(arg.options, "f", { 5 }, spec)):contains "f has no option `1`"
    expect(message_of(arg.options, "f", { x = 1 }, {})):equals "f has no option `x`; it knows no options"
  end)

  it("names an option of the wrong type, and options that are no table", function()
    expect(message_of(arg.options, "f", { mode = 5 }, spec)):equals(
      "f: option `mode` should be a string, not the number 5")
    expect(message_of(arg.options, "f", { timeout = "soon" }, spec)):contains(
      "f: option `timeout` should be a duration")
    expect(message_of(arg.options, "f", "fast", spec)):equals(
      "f: the options should be a table, not the string \"fast\"")
  end)
end)

describe("suggest", function()
  it("finds the nearest word, or none when nothing is near", function()
    local words = { "read", "write", "remove", "timeout" }
    for wrong, right in pairs { raed = "read", wirte = "write", remvoe = "remove", TIMEOUT = "timeout", tmeout = "timeout" } do
      expect(arg.suggest(wrong, words)):equals(right)
    end
    expect(arg.suggest("zebra", words)):is_nil()
    expect(arg.suggest("x", {})):is_nil()
  end)
end)

describe("public", function()
  it("makes an unknown field an error with a suggestion", function()
    local lib = arg.public("orch.lib", { read = print, write = print })
    expect(lib.read):is(print)
    expect(function() return lib.raed end):raises {
      kind = "usage", message = "orch.lib has no 'raed'; did you mean 'read'?" }
    expect(function() return lib.zebra end):raises "orch.lib has no 'zebra'$"
    expect(lib[1]):is_nil()
  end)

  it("holds for orch itself", function()
    expect(function() return orch.gahter end):raises "orch has no 'gahter'; did you mean 'gather'?"
    local names = {}
    for name in pairs(orch) do names[name] = true end
    expect(names.gather and names.single_flight):equals(true)
  end)
end)
