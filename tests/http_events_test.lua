-- Server-sent events and lines out of pieces that are cut anywhere.

local events = require "orch.http.events"
local lines = require "orch.http.lines"

--- What comes out of a text that is fed in pieces of `size` bytes.
local function parse(text, size)
  local parser, list = events.parser(), {}
  for at = 1, #text, size or #text do
    for _, event in ipairs(parser:feed(text:sub(at, at + (size or #text) - 1))) do
      list[#list + 1] = event
    end
  end
  for _, event in ipairs(parser:finish()) do list[#list + 1] = event end
  return list, parser
end

--- The same whatever the pieces.
local function expect_events(text, wanted)
  for size = 1, math.min(#text, 12) do expect(parse(text, size)):equals(wanted) end
  expect(parse(text)):equals(wanted)
end

local function message(data) return { event = "message", data = data } end

describe("server-sent events", function()
  it("have a name, data, an id and a pause", function()
    expect_events("event: add\ndata: 1\nid: 7\nretry: 2500\n\n",
      { { event = "add", data = "1", id = "7", retry = 2500 } })
    expect_events("data: 1\n\n", { message "1" })
  end)

  it("end their lines with LF, CR LF or CR", function()
    for _, nl in ipairs { "\n", "\r\n", "\r" } do
      expect_events(("data: a\ndata: b\n\ndata: c\n\n"):gsub("\n", nl),
        { message "a\nb", message "c" })
    end
    expect_events("data: a\r\n\n\rdata: b\r\r\n", { message "a", message "b" })
  end)

  it("lose one space after the colon, and no more", function()
    expect_events("data:a\ndata: b\ndata:  c\ndata\ndata:\n\n", { message "a\nb\n c\n\n" })
  end)

  it("without data are none, and their name is forgotten", function()
    expect_events("event: add\nid: 7\n\ndata: x\n\n",
      { { event = "message", data = "x", id = "7" } })
    expect_events("data\n\n", { message "" })
    expect_events("\n\n\ndata: x\n\n\n\n", { message "x" })
  end)

  it("keep the last id, until an empty one", function()
    expect_events("id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\nid: x\0y\ndata: d\n\n", {
      { event = "message", data = "a", id = "1" }, { event = "message", data = "b", id = "1" },
      message "c", message "d" })
  end)

  it("do without comments, unknown fields and pauses that are no numbers", function()
    expect_events(": ping\nfoo: bar\nretry: 3s\ndata: x\n:\n\n", { message "x" })
    expect_events("retry: 10\n\ndata: x\n\ndata: y\n\n",
      { { event = "message", data = "x", retry = 10 }, message "y" })
  end)

  it("begin after a byte order mark", function()
    expect_events("\xEF\xBB\xBFdata: x\n\ndata: \xEF\xBB\xBFy\n\n",
      { message "x", message "\xEF\xBB\xBFy" })
  end)

  it("keep characters whole", function()
    expect_events("data: grüße 日本語 🎮\n\n", { message "grüße 日本語 🎮" })
  end)

  it("that are cut short at the end are dropped", function()
    for _, text in ipairs { "data: x", "data: x\n", "data: x\nid: 1\n" } do
      expect_events("data: a\n\n" .. text, { message "a" })
    end
  end)

  it("tell what the stream said last", function()
    local _, parser = parse "id: 9\nretry: 100\n\n"
    expect({ parser.id, parser.retry }):equals { "9", 100 }
    _, parser = parse "id: 9\ndata: x\n\nid: 10\ndata: cut short"
    expect(parser.id):equals "9"
  end)

  it("do not take longer per byte when they are long", function()
    local parser = events.parser()
    parser:feed "data: "
    for _ = 1, 20000 do parser:feed(("x"):rep(100)) end
    expect(parser:pending()):equals(6 + 2000000)
    expect(#parser:feed("\n\n")[1].data):equals(2000000)
  end)
end)

describe("lines", function()
  local function split(text, size)
    local splitter, list = lines.splitter(), {}
    for at = 1, #text, size do
      for _, line in ipairs(splitter:feed(text:sub(at, at + size - 1))) do
        list[#list + 1] = line
      end
    end
    list[#list + 1] = splitter:finish()
    return list
  end

  it("lose their ends", function()
    for size = 1, 8 do
      expect(split("a\nbc\r\n\n\rd\r\r\nlast", size)):equals { "a", "bc", "", "\rd\r", "last" }
      expect(split("a\n", size)):equals { "a" }
      expect(split("", size)):equals {}
      expect(split("ü\n語", size)):equals { "ü", "語" }
    end
  end)
end)

describe("an unfinished character", function()
  it("is found at the end of a text", function()
    for text, wanted in pairs {
      [""] = 0, a = 0, ["ü"] = 0, ["a\xC3"] = 1, ["\xE6\x97"] = 2, ["日"] = 0,
      ["\xF0\x9F\x8E"] = 3,
      ["🎮"] = 0, ["a\xE6"] = 1, ["\x80"] = 0, ["\x80\x80\x80\x80"] = 0,
    } do
      expect(lines.unfinished(text)):equals(wanted)
    end
  end)
end)
