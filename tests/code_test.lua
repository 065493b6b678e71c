-- orch.core.code: fingerprints of functions that do not know about lines, names
-- and comments, and about nothing else.

local code = require "orch.core.code"

local function compiled(text, name)
  return assert(load(text, name or "@a.lua"))
end

local function print_of(text, name) return code.fingerprint(compiled(text, name)) end

describe("code", function()
  it("gives 16 bytes, the same again", function()
    local one = print_of "return 1"
    expect(#one):equals(16)
    expect(print_of "return 1"):equals(one)
    expect(#code.hash ""):equals(16)
    expect(code.hash "a").never:equals(code.hash "b")
  end)

  it("does not see comments, empty lines, names and files", function()
    local plain = print_of "local a = 1 local function f(b) return a + b end return f(2)"
    expect(print_of [[
      -- what it does
      local first = 1   --[=[ and why ]=]

      local function add(second)
        -- the sum


        return first + second
      end
      return add(2)]]):equals(plain)
    expect(print_of("local a = 1 local function f(b) return a + b end return f(2)",
      "=other.lua")):equals(plain)
  end)

  it("does not see where nested functions are, however deep and long", function()
    local function text(gap)
      return ("return function()" .. gap .. " return function(...)" .. gap
        .. " local t = { 1, 2.5, 'x', nil, true, false, ... }" .. gap
        .. " for i = 1, #t do print(t[i])" .. gap .. " end return t end end")
    end
    local near = print_of(text "")
    expect(print_of(text "\n")):equals(near)
    expect(print_of(text(("\n"):rep(70000)))):equals(near)
  end)

  it("sees every constant, operator and called name", function()
    local texts = {
      "return 1", "return 1.0", "return 2", "return -1", "return '1'", "return nil",
      "return true", "return false", "return 2^53", "return 'a\\0b'", "return 'a\\0c'",
      "return a", "return b", "return a.b", "return a.c", "return a:b()", "return a.b()",
      "return ...", "return a + b", "return a - b", "return b - a", "return 1 << 62",
      "return " .. ("%q"):format(("x"):rep(100)), "return " .. ("%q"):format(("y"):rep(100)),
      "return function() return 1 end", "return function() return 2 end",
      "return function(a) return 1 end", "local a <close> = nil return 1",
      "local a, b return function() return a end", "local a, b return function() return b end",
    }
    local seen = {}
    for _, text in ipairs(texts) do
      local one = print_of(text)
      expect(seen[one] or "new: " .. text):equals("new: " .. text)
      seen[one] = text
    end
  end)

  it("gives the same for closures of one function, and for stripped code", function()
    local function make(x) return function() return x end end
    expect(code.fingerprint(make(1))):equals(code.fingerprint(make(2)))
    local f = make(1)
    expect(code.fingerprint(load(string.dump(f, true), "?", "b"))):equals(code.fingerprint(f))
  end)

  it("lists the strings in the code, of nested functions too", function()
    local found = code.strings(compiled [[
      local t = { key = "value" }
      return function() return helper(t.field, [=[
long]=] .. ("x"), 12) end]])
    local list = {}
    for name in pairs(found) do list[#list + 1] = name end
    table.sort(list)
    expect(list):equals { "field", "helper", "key", "long", "value", "x" }
  end)

  it("knows whose a function is", function()
    expect(code.is_script(function() end)):equals(true)
    expect(code.is_script(print)):equals(false)
    expect(code.is_script(require("orch.arg").fail)):equals(false)
  end)

  it("refuses what has no code", function()
    expect(function() code.fingerprint(string.len) end):raises("usage")
    expect(function() code.strings(print) end):raises("usage")
    expect(function() code.fingerprint "return 1" end):raises "function expected"
    expect(function() code.fingerprint() end):raises "function expected"
  end)

  it("survives the deepest nesting that Lua compiles", function()
    local text = ("return function() "):rep(90) .. "return 1 " .. ("end "):rep(90)
    expect(#print_of(text)):equals(16)
  end)
end)

describe("a hash of many", function()
  local hash_all = require("orch.core.code").hash_all

  it("knows where one ends and the next begins", function()
    expect(#hash_all("a", { "b" }, nil)):equals(16)
    expect(hash_all("a", { "b", "c" })):equals(hash_all("a", { "b", "c" }))
    local seen = {}
    for _, one in ipairs {
      hash_all("ab", "c"), hash_all("a", "bc"), hash_all({ "ab", "c" }), hash_all({ "a", "bc" }),
      hash_all({ "ab" }, "c"), hash_all("ab", nil, "c"), hash_all("ab", "", "c"), hash_all(),
      hash_all({}, { "ab", "c" }), hash_all({ "ab", "c" }, {}),
    } do
      expect(seen[one]):is_nil()
      seen[one] = true
    end
  end)

  it("takes strings and lists of strings only", function()
    expect(function() hash_all(true) end):raises "string expected"
    expect(function() hash_all({ {} }) end):raises "string expected"
  end)
end)
