-- error, try, is_cancelled, is_timeout, and what an Error is.

describe("error", function()
  it("raises an Error with its fields, at the caller's line", function()
    local line = debug.getinfo(1, "l").currentline + 1
    local err = expect(function() orch.error { kind = "build", message = "no scene", scene = "A1" } end)
      :raises { kind = "build", message = "no scene", scene = "A1" }
    expect(err.where):matches("error_test.lua:" .. line .. "$")
    expect(err.traceback):contains "error_test.lua"
    expect(tostring(err)):equals "no scene"
  end)

  it("takes a text, and fills in what is missing", function()
    expect(function() orch.error "just a text" end):raises { kind = "error", message = "just a text" }
    expect(function() orch.error { "in a table" } end):raises { kind = "error", message = "in a table" }
    expect(function() orch.error { kind = "quiet" } end):raises { kind = "quiet", message = "quiet" }
  end)

  it("keeps the table that is raised, and an Error that is raised once more", function()
    local mine = { kind = "mine", message = "x" }
    local first = expect(function() orch.error(mine) end):raises()
    expect(first):is(mine)
    local traceback = mine.traceback
    expect(expect(function() orch.error(mine) end):raises()):is(mine)
    expect(mine.traceback):is(traceback)
    local foreign = setmetatable({}, { __tostring = function() return "foreign" end })
    expect(expect(function() orch.error(foreign) end):raises()):is(foreign)
  end)

  it("wants a table or a text", function()
    expect(function() orch.error(5) end):raises {
      kind = "usage", message = "error: argument 1 should be a table or a string, not the number 5" }
    expect(function() orch.error() end):raises "not nil"
  end)
end)

describe("an Error", function()
  local function caught(...) return select(2, orch.try(orch.error, ...)) end

  it("reads like a string: methods and ..", function()
    local err = caught { message = "code 42 in line 7" }
    expect(err:match "code (%d+)"):equals "42"
    expect(err:find("line", 1, true)):equals(12)
    expect("it said: " .. err):equals "it said: code 42 in line 7"
    expect(err .. "!"):equals "code 42 in line 7!"
    expect(err.no_such_field):is_nil()
  end)

  it("without a message still has a sentence", function()
    local err = setmetatable({}, getmetatable(caught "x"))
    expect(tostring(err)):is_a "string"
  end)
end)

describe("try", function()
  it("gives true and the results, nil included", function()
    expect(table.pack(orch.try(function(...) return ... end, 1, nil, 3))):equals { true, 1, nil, 3, n = 4 }
  end)

  it("gives false and an Error, whatever was raised", function()
    local mine = { kind = "mine" }
    expect(select(2, orch.try(error, mine))):is(mine)
    for _, value in ipairs { "text", 42, true, print } do
      local ok, err = orch.try(error, value)
      expect(ok):equals(false)
      expect(err):is_a "error"
      expect(err.kind):equals "error"
      expect(err.cause):equals(value)
    end
    expect(select(2, orch.try(error)).kind):equals "error"
    local _, err = orch.try(function() error "with a place" end)
    expect(err.message):matches "error_test.lua:%d+: with a place$"
  end)

  it("may wait, and does not swallow a cancellation", function()
    expect(orch.try(orch.checkpoint)):equals(true)
    local after
    local t = orch.spawn({ hold = true }, function()
      orch.try(orch.sleep, 1e9)
      after = true
    end)
    orch.checkpoint()
    orch.checkpoint()
    t:cancel()
    t:join()
    expect(after):is_nil()
  end)

  it("wants a function", function()
    expect(function() orch.try(5) end):raises "try: argument 1 should be a function, not the number 5"
  end)
end)

describe("is_cancelled and is_timeout", function()
  it("know an Error by its kind and nothing else", function()
    local function made(kind) return select(2, orch.try(orch.error, { kind = kind })) end
    expect(orch.is_cancelled(made "cancelled")):equals(true)
    expect(orch.is_cancelled(made "timeout")):equals(false)
    expect(orch.is_timeout(made "timeout")):equals(true)
    expect(orch.is_timeout(made "cancelled")):equals(false)
    for _, value in ipairs { "cancelled", 5, {}, print } do
      expect(orch.is_cancelled(value)):equals(false)
      expect(orch.is_timeout(value)):equals(false)
    end
    expect(orch.is_cancelled()):equals(false)
  end)

  it("know the Cancelled that a clean-up sees", function()
    local seen
    local t = orch.spawn({ hold = true }, function()
      local _ <close> = orch.defer(function(err) seen = orch.is_cancelled(err) end)
      orch.sleep(1e9)
    end)
    orch.checkpoint()
    orch.checkpoint()
    t:cancel()
    t:join()
    expect(seen):equals(true)
  end)
end)
