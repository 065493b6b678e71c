-- How two values differ, as a person reads it.

local diff = require "orch.test.diff"
local lines = require "orch.test.lines"
local show = require "orch.test.show"

describe("show", function()
  it("is the same for equal values", function()
    expect(show { b = 2, a = { 1, "x" }, [1.5] = true })
      :equals('{[1.5] = true, a = {1, "x"}, b = 2}')
    expect(show { 1, nil, 3 }):equals("{1, nil, 3}")
    expect(show {}):equals("{}")
  end)

  it("escapes what is no text", function()
    expect(show('a\n"b"\0\27')):equals([["a\n\"b\"\0\x1b"]])
    expect(show("gr\u{fc}n")):equals('"gr\u{fc}n"')
    expect(show("\xff")):equals([["\xff"]])
  end)

  it("keeps numbers exact", function()
    for _, n in ipairs { 0.1, 1e300, 2 ^ 53, 1 / 3, -0.0, 5e-324 } do
      expect(tonumber(show(n))):equals(n)
    end
    expect(show(1.0)):equals("1.0")
    expect(show(math.mininteger)):equals("-9223372036854775808")
    expect(show(0 / 0)):equals("nan")
    expect(show(-1 / 0)):equals("-inf")
  end)

  it("survives cycles, depth and length", function()
    local t = {}
    t.me = t
    expect(show(t)):equals("{me = <cycle>}")
    local deep = {}
    local at = deep
    for _ = 1, 100 do
      at[1] = {}
      at = at[1]
    end
    expect(show(deep)):contains("{...}")
    expect(#show(("x"):rep(10000))):less_than(500)
    expect(show(("\u{fc}"):rep(10000))):matches("%(20002 bytes%)$")
  end)

  it("shows an Error as kind and sentence", function()
    expect(show(orch.error.new { kind = "os", message = "disk full" }))
      :equals('Error os "disk full"')
  end)
end)

describe("diff", function()
  it("finds nothing between equal values", function()
    expect(diff.compare({ 1, { a = 0 / 0 } }, { 1, { a = 0 / 0 } })):is_nil()
    local a, b = { x = {} }, { x = {} }
    a.x.back, b.x.back = a, b
    expect(diff.equal(a, b)):is(true)
  end)

  it("ends on cycles of different length", function()
    local a, b = {}, {}
    a.next = a
    b.next = { next = b }
    expect(diff.equal(a, b)):is(true)
  end)

  it("names the path of every difference", function()
    local text = diff.text(
      { name = "a", list = { 1, 2, 3 }, gone = true, ["odd key"] = 1 },
      { name = "b", list = { 1, 5 }, extra = {}, ["odd key"] = 2 })
    expect(text):equals(table.concat({
      ".gone: expected true, got nothing",
      ".list[2]: expected 2, got 5",
      ".list[3]: expected 3, got nothing",
      ".name: expected \"a\", got \"b\"",
      "[\"odd key\"]: expected 1, got 2",
      ".extra: expected nothing, got {}",
    }, "\n"))
  end)

  it("stops after ten", function()
    local a, b = {}, {}
    for i = 1, 25 do a[i], b[i] = i, -i end
    expect(diff.text(a, b)):contains("and 15 more differences")
  end)

  it("tells integers from strings, and true from 1", function()
    expect(diff.equal({ 1 }, { "1" })):is(false)
    expect(diff.equal(true, 1)):is(false)
    expect(diff.equal({ [1] = 1 }, { ["1"] = 1 })):is(false)
    expect(diff.equal({ false }, {})):is(false)
  end)
end)

describe("lines", function()
  it("shows the lines that differ, with neighbours", function()
    local text = lines.text("a\nb\nc\nd\ne\nf\ng\n", "a\nb\nc\nX\ne\nf\ng\n")
    expect(text):equals(" b\n c\n-d\n+X\n e\n f")
  end)

  it("shows a missing last newline", function()
    expect(lines.text("a\nb\n", "a\nb"))
      :equals(" a\n-b\n+b (no newline at the end)")
  end)

  it("shows invisible differences", function()
    expect(lines.text("a \nb", "a\nb")):contains("-a ")
    expect(lines.text("a\tb\nc", "a b\nc")):contains([[-a\tb]])
  end)

  it("finds the first differing byte of long lines", function()
    local text = lines.text(("x"):rep(100) .. "\u{e9}" .. ("y"):rep(100),
      ("x"):rep(100) .. "\u{e8}" .. ("y"):rep(9))
    expect(text):contains("first difference at byte 102")
    expect(text):contains("\u{e9}")
  end)

  it("gives every edit back, whatever the texts are", function()
    for _ = 1, 200 do
      local function text()
        local list = {}
        for i = 1, math.random(0, 8) do list[i] = ("abc"):sub(math.random(3)) end
        return table.concat(list, "\n") .. "\n"
      end
      local a, b = text(), text()
      local shown = lines.text(a, b)
      if a == b then
        expect(shown):is_nil()
      else
        local minus = select(2, ("\n" .. shown):gsub("\n%-", ""))
        local plus = select(2, ("\n" .. shown):gsub("\n%+", ""))
        local _, rows_a = a:gsub("\n", "")
        local _, rows_b = b:gsub("\n", "")
        expect(plus - minus):equals(rows_b - rows_a)
      end
    end
  end)
end)
