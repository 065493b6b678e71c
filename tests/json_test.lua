-- orch.json: exact, strict, and a place for every fault.

local json = require "orch.json"

local function fault(text)
  local err = expect(function() json.decode(text) end):raises("json")
  return err.line, err.column, err.message
end

-- Random bits, so that every exponent and every odd mantissa occurs.
local function random_double()
  local real = string.unpack("d", string.pack("j", math.random(0)))
  if real ~= real or real == math.huge or real == -math.huge then
    return random_double()
  end
  return real
end

local function same_number(a, b)
  return math.type(a) == math.type(b) and string.pack("j", a) == string.pack("j", b)
end

local function same_double(a, b)
  return math.type(b) == "float" and string.pack("d", a) == string.pack("d", b)
end

describe("json.decode", function()
  it("gives the values of JSON", function()
    expect(json.decode '{"a": [1, -2.5, true, false, null, "x"], "b": {}}'):equals {
      a = { 1, -2.5, true, false, json.null, "x" }, b = {},
    }
    expect(json.decode ' "x" '):equals("x")
    expect(json.decode "null"):is(json.null)
    expect(json.decode "true"):is(true)
    expect(tostring(json.null)):equals("null")
  end)

  it("keeps integers and floats apart", function()
    for text, kind in pairs {
      ["1"] = "integer", ["-0"] = "integer", ["9007199254740993"] = "integer",
      ["9223372036854775807"] = "integer", ["-9223372036854775808"] = "integer",
      ["1.0"] = "float", ["1e2"] = "float", ["-0.0"] = "float",
      ["0.1"] = "float", ["100000000000000000000"] = "float",
    } do
      local number = json.decode(text)
      expect(math.type(number)):equals(kind)
      expect(number == tonumber(text)):truthy()
      -- and the same inside of what cjson could have decoded
      local list = json.decode('{"k": [' .. text .. ", 7]}").k
      expect(math.type(list[1])):equals(kind)
      expect(math.type(list[2])):equals("integer")
    end
    expect(1 / json.decode "-0.0"):equals(-math.huge)
  end)

  it("does not round what does not fit", function()
    local _, column, message = fault '{"id": 18446744073709551615}'
    expect(column):equals(8)
    expect(message):contains("18446744073709551615 does not fit in 64 bits")
    expect(json.decode("18446744073709551615", { big_floats = true }))
      :equals(18446744073709551616.0)
    -- what JavaScript writes for the doubles 2^64 and 1e20
    expect(json.decode "18446744073709552000"):equals(2.0 ^ 64)
    expect(json.decode "100000000000000000000"):equals(1e20)
    expect(json.decode "1e-400"):equals(0.0)
  end)

  it("reads names and strings with every escape", function()
    expect(json.decode [["\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac\ud83d\ude00\u0000"]])
      :equals("\"\\/\b\f\n\r\tA\u{e9}\u{20ac}\u{1F600}\0")
    expect(json.decode [[{"a\nb": [], "\u00fc": "\uFFFF"}]])
      :equals { ["a\nb"] = {}, ["\u{fc}"] = "\u{FFFF}" }
    expect(json.decode '"\u{7f}\u{80}\u{10FFFF}"'):equals("\u{7f}\u{80}\u{10FFFF}")
  end)

  it("skips a byte order mark", function()
    expect(json.decode "\xEF\xBB\xBF{}"):equals {}
    local line, column = fault "\xEF\xBB\xBF}"
    expect({ line, column }):equals { 1, 1 }
  end)

  it("keeps the last of equal names", function()
    expect(json.decode '{"a": 1, "a": 2}'):equals { a = 2 }
    expect(json.decode '{"a": 1, "a": []}'):equals { a = {} }
  end)

  it("goes 1000 levels deep and no deeper", function()
    for _, core in ipairs { "", "1" } do
      local text = ("["):rep(1000) .. core .. ("]"):rep(1000)
      expect(json.encode(json.decode(text))):equals(text)
    end
    local text = ('{"a":'):rep(1000) .. "1" .. ("}"):rep(1000)
    expect(json.encode(json.decode(text))):equals(text)
    local line, column, message = fault(("["):rep(1001) .. ("]"):rep(1001))
    expect({ line, column }):equals { 1, 1001 }
    expect(message):contains("deeper than 1000 levels")
    fault(("["):rep(1000000))
  end)
end)

-- The list of JSONTestSuite, as far as it says yes (y_) or no (n_).
local accepted = {
  "[[]   ]", '[""]', "[]", '["a"]', "[false]", '[null, 1, "1", {}]', "[null]",
  "[1\n]", " [1]", "[1,null,null,null,2]", "[2] ", "[123e65]", "[0e+1]", "[0e1]",
  "[ 4]", "[-0.000000000000000000000000000000000000000000000000000000000000001]",
  "[20e1]", "[-0]", "[-123]", "[-1]", "[-0]", "[1E22]", "[1E-2]", "[1E+2]",
  "[123e45]", "[123.456e78]", "[1e-2]", "[1e+2]", "[123]", "[123.456789]",
  '{"asd":"sdf", "dfg":"fgh"}', '{"asd":"sdf"}', '{"a":"b","a":"c"}',
  '{"a":"b","a":"b"}', "{}", '{"":0}', '{"foo\\u0000bar": 42}',
  '{ "min": -1.0e+28, "max": 1.0e+28 }', '{"a":[]}', '{\n"a": "b"\n}',
  [[{"title":"\u041f\u043e\u043b"}]], [==[["\u0060\u012a\u12AB"]]==],
  [==[["\uD801\udc37"]]==], [==[["\ud83d\ude39\ud83d\udc8d"]]==],
  [==[["\"\\\/\b\f\n\r\t"]]==], [==[["\\u0000"]]==], [==[["\""]]==], '["a/*b*/c/*d//e"]',
  [==[["\\a"]]==], [==[["\\n"]]==], [==[["\u0012"]]==], [==[["\uFFFF"]]==],
  '["asd"]', '[ "asd"]', [==[["\uDBFF\uDFFF"]]==], [==[["new\u00A0line"]]==],
  '["\u{10FFFF}"]', '["\u{FFFF}"]', [==[["\u0000"]]==], [==[["\u002c"]]==],
  '["\u{3c0}"]', '["\u{1BFFF}"]', '["asd "]', '" "', [==[["\uD834\uDd1e"]]==],
  [==[["\u0821"]]==], [==[["\u0123"]]==], '["\u{2028}"]', '["\u{2029}"]',
  [==[["\u0061\u30af\u30EA\u30b9"]]==], [==[["new\u000Aline"]]==], '["\127"]',
  [==[["\uA66D"]]==], [==[["\u005C"]]==], '["\u{2342}\u{3bb}"]', [==[["\u200B"]]==],
  [==[["\u2064"]]==], [==[["\uFDD0"]]==], [==[["\uFFFE"]]==], [==[["\u0022"]]==],
  '["a\127a"]', "false", "42", "-0.1", "null", '"asd"', "true", '""', '["a"]\n',
  "[true]", " [] ", "\t{}\r\n",
}

-- text, line, column
local refused = {
  { "[1 true]", 1, 4 }, { "[a\xe5]", 1, 2 }, { '["": 1]', 1, 4 },
  { '[""],', 1, 5 }, { "[,1]", 1, 2 }, { "[1,,2]", 1, 4 }, { '["x",,]', 1, 6 },
  { '["x"]]', 1, 6 }, { '["",]', 1, 5 }, { '["x"', 1, 5 }, { "[x", 1, 2 },
  { "[3[4]]", 1, 3 }, { "[\xff]", 1, 2 }, { "[1:2]", 1, 3 }, { "[,]", 1, 2 },
  { "[-]", 1, 2 }, { "[   , \"\"]", 1, 5 }, { '["a",\n4\n,1,', 3, 4 },
  { "[1,]", 1, 4 }, { "[1,,]", 1, 4 }, { '["\va"\\f]', 1, 3 }, { "[*]", 1, 2 },
  { '[""', 1, 4 }, { "[1,", 1, 4 }, { "[1,\n1\n,1", 3, 3 }, { "[{}", 1, 4 },
  { "[fals]", 1, 2 }, { "[nul]", 1, 2 }, { "[tru]", 1, 2 }, { "123\0", 1, 4 },
  { "[++1234]", 1, 2 }, { "[+1]", 1, 2 }, { "[+Inf]", 1, 2 }, { "[-01]", 1, 2 },
  { "[-1.0.]", 1, 6 }, { "[-2.]", 1, 2 }, { "[-NaN]", 1, 2 }, { "[.-1]", 1, 2 },
  { "[.2e-3]", 1, 2 }, { "[0.1.2]", 1, 5 }, { "[0.3e+]", 1, 2 }, { "[0.3e]", 1, 2 },
  { "[0.e1]", 1, 2 }, { "[0E+]", 1, 2 }, { "[0E]", 1, 2 }, { "[0e+]", 1, 2 },
  { "[1.0e+]", 1, 2 }, { "[1.0e-]", 1, 2 }, { "[1.0e]", 1, 2 }, { "[1 000.0]", 1, 4 },
  { "[1eE2]", 1, 2 }, { "[2.e+3]", 1, 2 }, { "[2.e-3]", 1, 2 }, { "[2.e3]", 1, 2 },
  { "[9.e+]", 1, 2 }, { "[Inf]", 1, 2 }, { "[NaN]", 1, 2 }, { "[\u{ff11}]", 1, 2 },
  { "[1+2]", 1, 3 }, { "[0x1]", 1, 3 }, { "[0x42]", 1, 3 }, { "[Infinity]", 1, 2 },
  { "[0e+-1]", 1, 2 }, { "[-123.123foo]", 1, 10 }, { "[123\xe5]", 1, 5 },
  { "[1e1\xe5]", 1, 5 }, { "[0\xe5]\n", 1, 3 }, { "[-Infinity]", 1, 2 },
  { "[-foo]", 1, 2 }, { "[- 1]", 1, 2 }, { "[-012]", 1, 2 }, { "[-.123]", 1, 2 },
  { "[-1x]", 1, 4 }, { "[1ea]", 1, 2 }, { "[1e\xe5]", 1, 2 }, { "[1.]", 1, 2 },
  { "[.123]", 1, 2 }, { "[1.2a-3]", 1, 5 }, { "[1.8011670033376514H-308]", 1, 20 },
  { "[012]", 1, 2 }, { "[1e999]", 1, 2 }, { "[-1e309]", 1, 2 },
  { '["x", truth]', 1, 7 }, { '{[: "x"}', 1, 2 }, { '{"x", null}', 1, 5 },
  { '{"x"::"b"}', 1, 6 }, { "{\u{1F1E8}\u{1F1ED}}", 1, 2 }, { '{"a":"a" 123}', 1, 10 },
  { "{key: 'value'}", 1, 2 }, { '{"\xb9":"0",}', 1, 3 }, { '{"a" b}', 1, 6 },
  { '{:"b"}', 1, 2 }, { '{"a" "b"}', 1, 6 }, { '{"a":', 1, 6 }, { '{"a"', 1, 5 },
  { "{1:1}", 1, 2 }, { "{9999E9999:1}", 1, 2 }, { "{null:null,null:null}", 1, 2 },
  { '{"id":0,,,,,}', 1, 9 }, { "{'a':0}", 1, 2 }, { '{"id":0,}', 1, 9 },
  { '{"a":"b"}/**/', 1, 10 }, { '{"a":"b"}/**//', 1, 10 }, { '{"a":"b"}//', 1, 10 },
  { '{"a":"b",,"c":"d"}', 1, 10 }, { '{a: "b"}', 1, 2 }, { '{"a":"a', 1, 6 },
  { '{ "foo" : "bar", "a" }', 1, 22 }, { '{"a":"b"}#', 1, 10 }, { " ", 1, 2 },
  { '["\\uD800\\"]', 1, 3 }, { '["\\uD800\\u"]', 1, 3 }, { '["\\uD800\\u1"]', 1, 3 },
  { '["\\uD800\\u1x"]', 1, 3 }, { "[\u{e9}]", 1, 2 }, { '["\\\0"]', 1, 3 },
  { '["\\x00"]', 1, 3 }, { '["\\\\\\"]', 1, 2 }, { '["\\\t"]', 1, 3 },
  { '["\\\u{1F300}"]', 1, 3 }, { '["\\"]', 1, 2 }, { '["\\u00A"]', 1, 3 },
  { '["\\uD834\\uDd"]', 1, 3 }, { '["\\uD800\\uD800\\x"]', 1, 3 },
  { '["\\u\xe5"]', 1, 3 }, { '["\\a"]', 1, 3 }, { '["\\uqqqq"]', 1, 3 },
  { '["\\\xe5"]', 1, 3 }, { "[\\u0020\"asd\"]", 1, 2 }, { "[\\n]", 1, 2 }, { '"', 1, 1 },
  { "['single quote']", 1, 2 }, { "abc", 1, 1 }, { '["\\', 1, 3 }, { '["a\0a"]', 1, 4 },
  { '["new\nline"]', 1, 6 }, { '["\t"]', 1, 3 }, { '"\\UA66D"', 1, 2 }, { '""x', 1, 3 },
  { "[\u{2060}]", 1, 2 }, { "\xEF\xBB\xBF", 1, 1 }, { "<.>", 1, 1 }, { "[<null>]", 1, 2 },
  { "[1]x", 1, 4 }, { "[1]]", 1, 4 }, { '["asd]', 1, 2 }, { "a\u{e5}", 1, 1 },
  { "[True]", 1, 2 }, { "1]", 1, 2 }, { '{"x": true,', 1, 12 }, { "[][]", 1, 3 },
  { "]", 1, 1 }, { "\xef\xbb{}", 1, 1 }, { "\xe5", 1, 1 }, { "[", 1, 2 }, { "", 1, 1 },
  { "[\0]", 1, 2 }, { "2@", 1, 2 }, { "{}}", 1, 3 }, { '{"":', 1, 5 },
  { '{"a":/*comment*/"b"}', 1, 6 }, { '{"a": true} "x"', 1, 13 }, { "['", 1, 2 },
  { "[,", 1, 2 }, { "[{", 1, 3 }, { '["a', 1, 2 }, { '["a"', 1, 5 }, { "{", 1, 2 },
  { "{]", 1, 2 }, { "{,", 1, 2 }, { "{[", 1, 2 }, { '{"a', 1, 2 }, { "{'a'", 1, 2 },
  { [==[["\{["\{["\{["\{]==], 1, 3 }, { "*", 1, 1 }, { '{"a":"b"}#{}', 1, 10 },
  { "[\\u000A\"\"]", 1, 2 }, { "[1", 1, 3 }, { "[ false, nul", 1, 10 },
  { "[ true, fals", 1, 9 }, { "[ false, tru", 1, 10 }, { '{"asd":"asd"', 1, 13 },
  { "\u{e5}", 1, 1 }, { "[\u{2060}]", 1, 2 }, { "[\f]", 1, 2 }, { "[\u{a0}]", 1, 2 },
  -- implementation-defined there, refused here
  { '["\xff"]', 1, 3 }, { '["\xc0\xaf"]', 1, 3 }, { '["\xed\xa0\x80"]', 1, 3 },
  { '["\xf4\xbf\xbf\xbf"]', 1, 3 }, { '["\\uDFAA"]', 1, 3 }, { '["\xe0\xff"]', 1, 3 },
  { '["\\uD888\\u1234"]', 1, 3 }, { '["\\ud800abc"]', 1, 3 }, { '["\x81"]', 1, 3 },
  { "[123123e100000]", 1, 2 }, { "[-123123123123123123123123123123]", 1, 2 },
  -- columns are characters, lines end with \n
  { '{\r\n  "\u{e9}\u{20ac}": x}', 2, 9 }, { '["\u{1F600}" 1]', 1, 6 },
  { "\n\n  nope", 3, 3 },
}

describe("json.decode, strictly,", function()
  it("accepts what is JSON", function()
    for _, text in ipairs(accepted) do
      local ok, value = pcall(json.decode, text)
      if not ok then error(("%q: %s"):format(text, value)) end
      local again = json.encode(value, { sorted = true })
      expect(json.encode(json.decode(again), { sorted = true })):equals(again)
    end
  end)

  it("refuses what is not, at its line and column", function()
    for _, case in ipairs(refused) do
      local text = case[1]
      local ok, err = pcall(json.decode, text)
      if ok then error(("%q was accepted"):format(text)) end
      local found = ("%q %d:%d"):format(text, err.line or 0, err.column or 0)
      expect(found):equals(("%q %d:%d"):format(text, case[2], case[3]))
      expect(err.kind):equals("json")
      expect(err.message):matches("^line %d+, column %d+: .+")
    end
  end)

  it("refuses each text cut short", function()
    local text = '{"a": [1, -2.5e3, "x\\u00e9\\n", true, null, {"b": []}], "c": "\u{e9}"}'
    json.decode(text)
    for i = 0, #text - 1 do
      local err = expect(function() json.decode(text:sub(1, i)) end):raises("json")
      expect(err.line):equals(1)
    end
  end)

  it("survives random damage", function()
    local text = '{"a": [1, -2.5e3, "x\\u00e9\\n", true, null, {"b": []}], "c": "\u{e9}"}'
    for _ = 1, 3000 do
      local at = math.random(#text)
      local damaged = text:sub(1, at - 1) .. string.char(math.random(0, 255))
        .. text:sub(at + math.random(0, 2))
      local ok, value = pcall(json.decode, damaged)
      if ok then
        json.encode(value)
      else
        expect(value.kind):equals("json")
      end
    end
  end)

  it("names the likely mistake", function()
    for text, words in pairs {
      ["[1,]"] = "a value must follow the comma", ["{'a': 1}"] = "double quotes",
      ["['a']"] = "JSON strings take double quotes", ["[None]"] = "null, not None",
      ["[1] // x"] = "nothing may follow", ["[ // x\n1]"] = "no comments",
      ["[NaN]"] = "JSON has no NaN", ["{a: 1}"] = "a name in double quotes",
      ["[1 2]"] = "expected ',' or ']'", ["[+1]"] = "plus sign",
      ['{\n"a": [1,\n2'] = "the '[' of line 2, column 6 is never closed",
      ['["\t"]'] = "written \\u0009", ['"a\nb"'] = "written \\n",
    } do
      local _, _, message = fault(text)
      expect(message):contains(words)
    end
  end)

  it("refuses what is no text", function()
    expect(function() json.decode(nil) end):raises { kind = "usage" }
    expect(function() json.decode("1", { big = true }) end):raises("big_floats")
  end)
end)

describe("json.encode", function()
  it("writes each kind of value", function()
    expect(json.encode { 1, 2.5, "x", true, json.null })
      :equals('[1,2.5,"x",true,null]')
    expect(json.encode { a = { b = {} } }):equals('{"a":{"b":{}}}')
    expect(json.encode(json.array {})):equals("[]")
    expect(json.encode(json.array())):equals("[]")
    expect(json.encode({ b = 1, a = 2, ["a\0"] = 3, [""] = 4 }, { sorted = true }))
      :equals('{"":4,"a":2,"a\\u0000":3,"b":1}')
    expect(json.encode 'a/b"\\\n\1\127\u{2028}')
      :equals('"a/b\\"\\\\\\n\\u0001\127\u{2028}"')
  end)

  it("keeps [] and {} and null, inside of anything", function()
    for _, text in ipairs {
      "[]", "{}", "null", "[[],{},null]", '{"a":[]}', '{"a":{}}', "[[[]]]", "[{}]",
      '[{"a":[null]}]', "[[null],[1,[2.5]]]",
    } do
      expect(json.encode(json.decode(text))):equals(text)
    end
  end)

  it("refuses what JSON cannot say, and where it is", function()
    local loop = { list = { {} } }
    loop.list[1].back = loop
    for message, value in pairs {
      ["a function at .jobs[3].run"] = { jobs = { 1, 2, { run = print } } },
      ["a userdata at [1]"] = { io.stdout },
      ["a thread"] = coroutine.create(print),
      ["a table that contains itself at .list[1].back"] = loop,
      ["both list items and names"] = { 1, 2, x = 3 },
      ['a list with a hole at .x[2]: write json.null there'] = { x = { 1, nil, 3 } },
      ["neither a name nor a list index at [true]"] = { [true] = 1 },
      ["list index at [1.5]"] = { [1.5] = 1 },
      ["list index at [0]"] = { [0] = 1 },
      ["NaN at .v"] = { v = 0 / 0 },
      ['infinity at ["a b"]'] = { ["a b"] = 1 / 0 },
      ["not UTF-8 at .name"] = { name = "\xff" },
      ["__pairs"] = setmetatable({}, { __pairs = next }),
    } do
      local err = expect(function() json.encode(value) end):raises("json")
      expect(err.message):contains("cannot encode ")
      expect(err.message):contains(message)
    end
    expect(function() json.encode(nil) end):raises("nil: write json.null")
    expect(function() json.encode(json.array { a = 1 }) end):raises("both list items")
    expect(function() json.encode({}, { sort = true }) end):raises("sorted")
    expect(function() json.array(setmetatable({}, {})) end):raises("metatable")
  end)

  it("refuses what is too deep", function()
    local deep = 1
    for _ = 1, 1000 do deep = { deep } end
    json.encode(deep)
    expect(function() json.encode { deep } end):raises("deeper than 1000 levels")
  end)

  it("writes a table twice when it is there twice", function()
    local part = { 1 }
    expect(json.encode { part, part }):equals("[[1],[1]]")
  end)

  it("takes no notice of the locale", function()
    local before = os.setlocale(nil, "numeric")
    if not os.setlocale("de_DE.UTF-8", "numeric") then
      return -- not installed; the C locale is all there is
    end
    local text, value = json.encode { 1.5 }, json.decode "[2.25e0]"
    os.setlocale(before, "numeric")
    expect(text):equals("[1.5]")
    expect(value):equals { 2.25 }
  end)
end)

describe("a round trip", function()
  it("keeps any integer", function()
    local edges = { 0, -1, math.maxinteger, math.mininteger, 1 << 53, (1 << 53) + 1,
      -(1 << 53) - 1, 999999999999999, 1000000000000000, 99999999999999999 }
    for _ = 1, 20000 do edges[#edges + 1] = math.random(0) >> math.random(0, 63) end
    local back = json.decode(json.encode(edges))
    for i, integer in ipairs(edges) do
      if not same_number(integer, back[i]) then
        error(integer .. " came back as " .. tostring(back[i]))
      end
    end
    for i = 1, 2000 do -- alone: the fast way where it is safe
      expect(same_number(edges[i], json.decode(json.encode(edges[i])))):truthy()
    end
  end)

  it("keeps any finite double", function()
    local edges = { 0.0, -0.0, 1.0, 1e15, 1e16, 1e17, 2.0 ^ 53, 2.0 ^ 63, -2.0 ^ 63,
      2.0 ^ 64, 1e22, 1e23, 1e300, 5e-324, 2.2250738585072014e-308, 0.1, 1 / 3,
      1.7976931348623157e308, 4.35, 0.000001, 123456.789, 9007199254740993.0,
      999999999999999.9, 1e-7 }
    for _ = 1, 20000 do
      edges[#edges + 1] = random_double()
      edges[#edges + 1] = math.random(-1000000, 1000000) / 1000
    end
    local back = json.decode(json.encode(edges))
    for i, real in ipairs(edges) do
      if not same_double(real, back[i]) then
        error(("%q came back as %q"):format(real, back[i]))
      end
    end
    for i = 1, 2000 do
      local text = json.encode(edges[i])
      expect(same_double(edges[i], json.decode(text))):truthy()
      expect(#text <= 24):truthy() -- as short as it can be, with a point or an e
    end
  end)

  it("keeps any string", function()
    for _ = 1, 2000 do
      local parts = {}
      for i = 1, math.random(0, 20) do
        local code = math.random(0, 0x10FFFF) >> math.random(0, 20)
        if code < 0xD800 or code > 0xDFFF then parts[#parts + 1] = utf8.char(code) end
        if i % 7 == 0 then parts[#parts + 1] = '"\\' end
      end
      local text = table.concat(parts)
      expect(json.decode(json.encode(text))):equals(text)
      expect(json.decode(json.encode { [text] = text })):equals { [text] = text }
    end
  end)

  it("keeps any nesting", function()
    local function grow(depth)
      local kind = depth > 6 and math.random(1, 5) or math.random(1, 8)
      if kind == 1 then return math.random(0) end
      if kind == 2 then return random_double() end
      if kind == 3 then return json.null end
      if kind == 4 then return math.random() < 0.5 end
      if kind == 5 then return ("x"):rep(math.random(0, 3)) end
      local value = kind == 6 and json.array {} or {}
      for i = 1, math.random(kind == 6 and 0 or 1, 4) do
        value[kind == 8 and "k" .. i or i] = grow(depth + 1)
      end
      return value
    end
    for _ = 1, 500 do
      local value = grow(0)
      for _, text in ipairs {
        json.encode(value, { sorted = true }), json.pretty(value),
      } do
        local back = json.decode(text)
        expect(json.encode(back, { sorted = true }))
          :equals(json.encode(value, { sorted = true }))
        expect(back):equals(value)
      end
    end
  end)
end)

describe("json.pretty", function()
  it("is sorted and indented", function()
    expect(json.pretty { b = { 1, { c = 2 } }, a = {}, d = json.array {} }):equals [[
{
  "a": {},
  "b": [
    1,
    {
      "c": 2
    }
  ],
  "d": []
}]]
    expect(json.pretty({ 1 }, { indent = 4 })):equals("[\n    1\n]")
    expect(function() json.pretty({}, { indent = 0 }) end):raises("indent")
  end)
end)

describe("json.load and json.save", function()
  it("bring a value to a file and back", function()
    local path = orch.fs.temp_dir() .. "/x.json"
    local value = { n = 9007199254740993, f = 1.0, list = json.array {}, s = "\u{e9}" }
    json.save(path, value)
    expect(orch.fs.read(path)):equals(json.pretty(value) .. "\n")
    expect(json.load(path)):equals(value)
  end)

  it("name the file", function()
    local path = orch.fs.temp_dir() .. "/bad.json"
    orch.fs.write(path, '{\n  "a": 1,\n}\n')
    local err = expect(function() json.load(path) end):raises("json")
    expect({ err.path, err.line, err.column }):equals { path, 3, 1 }
    expect(err.message):contains("bad.json: line 3, column 1: ")
    err = expect(function() json.save(path, { f = print }) end):raises("json")
    expect(err.message):contains("bad.json: cannot encode a function at .f")
    expect(err.path):equals(path)
    expect(function() json.load(path .. ".gone") end):raises("os")
    expect(function() json.load("a\0b") end):raises("usage")
  end)

  it("can be cancelled", function()
    local path = orch.fs.temp_dir() .. "/x.json"
    local early = orch.spawn(json.save, path, {})
    early:cancel("too early")
    expect(function() early:await() end):raises("cancelled")
    expect(orch.fs.exists(path)):falsy()
    orch.fs.write(path, "[]")
    local flying = orch.spawn(json.load, path)
    orch.checkpoint()
    flying:cancel("in flight")
    local ok, err = pcall(flying.await, flying) -- the read may have been faster
    expect(ok and err or err.kind):equals(ok and {} or "cancelled")
  end)
end)
