-- Text of unknown origin: what is left of it, and where it is cut.

local text = require "orch.view.text"
local show = require "orch.view.show"
local width = require("orch.tty").width

describe("view text", function()
  it("takes out escape sequences and control characters", function()
    expect(text.clean "\27[31;1mred\27[0m \27[2K\27[10;3Hx"):equals "red x"
    expect(text.clean "\27]0;title\7a\27]8;;http://x\27\\link"):equals "alink"
    expect(text.clean "a\27(Bb\27Mc\27"):equals "abc"
    expect(text.clean "\0a\8\127\1b"):equals "ab"
    expect(text.clean "a\xc2\x9b31mb"):equals "a31mb"
    expect(text.clean "safe\u{202e}txt\u{2066}"):equals "safetxt"
    expect(text.clean "tab\tand\nline"):equals "tab\tand\nline"
  end)

  it("takes out a sequence that never ends", function()
    expect(text.clean "a\27[12;"):equals "a"
    expect(text.clean "a\27]0;never"):equals "a"
    expect(text.clean("\27]" .. ("\27]x"):rep(20000))):equals ""
  end)

  it("shows what is not UTF-8 as U+FFFD", function()
    expect(text.clean "caf\xe9 \xff"):equals "caf\u{FFFD} \u{FFFD}"
    expect(text.clean "\u{4e2d}"):equals "\u{4e2d}"
  end)

  it("leaves the last version of a line that overwrites itself", function()
    expect(text.clean "10%\r20%\r30%"):equals "30%"
    expect(text.clean "10%\r20%\r"):equals "20%"
    expect(text.clean "a\r\nb\r\n"):equals "a\nb\n"
    expect(text.clean "10%\27[K\r20%\27[K\r\n"):equals "20%\n"
  end)

  it("keeps colours when told to, and nothing else", function()
    expect(text.clean("\27[31mred\27[0m\27[2J\1", true)):equals "\27[31mred\27[0m"
    expect(text.clean("\27[38;5;1mx", true)):equals "\27[38;5;1mx"
    expect(text.clean("\1" .. "31mx", true)):equals "31mx"
  end)

  it("makes a line of it", function()
    expect(text.line "\n \n  first\t of \nsecond"):equals "first of"
    expect(text.line ""):equals ""
    expect(text.line " \n "):equals ""
  end)

  it("cuts by columns, wide and combining characters too", function()
    expect(text.cut("abcdefghij", 10)):equals "abcdefghij"
    expect(text.cut("abcdefghijk", 10)):equals "abcdefg..."
    expect(text.cut("abcdef", 3)):equals "abc"
    expect(text.cut("abc", 0)):equals ""
    expect(text.cut(("\u{4e2d}"):rep(6), 10)):equals(("\u{4e2d}"):rep(3) .. "...")
    expect(text.cut(("e\u{301}"):rep(20), 10)):equals(("e\u{301}"):rep(7) .. "...")
    expect(text.cut(("e\u{301}"):rep(10), 10)):equals(("e\u{301}"):rep(10))
  end)

  it("never takes more columns than it was given, whatever the text", function()
    local pieces = { "a", "\u{4e2d}", "e\u{301}", "\u{1f680}", "\u{1f1e9}\u{1f1ea}", "\u{FFFD}",
      "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}", "\u{2764}\u{fe0f}", "\u{301}" }
    for try = 1, 300 do
      local parts = {}
      for i = 1, math.random(0, 60) do parts[i] = pieces[math.random(#pieces)] end
      local s, columns = table.concat(parts), math.random(0, 40)
      for _, cut in ipairs { text.cut(s, columns), text.cut_name(s, columns) } do
        expect(width(cut) <= columns and utf8.len(cut) ~= nil):truthy()
      end
      if width(s) <= columns then expect(text.cut(s, columns)):equals(s) end
      expect(width(text.pad(s, columns)) >= columns):truthy()
      expect(try):less_than(301)
    end
  end)

  it("cuts names in the middle", function()
    expect(text.cut_name("build:windows-standalone-64", 16)):equals "build:w...one-64"
    expect(text.cut_name("build:win", 16)):equals "build:win"
  end)
end)

describe("view words", function()
  it("shows times", function()
    expect(show.seconds(0.04)):equals "0.0s"
    expect(show.seconds(59.99)):equals "59.9s"
    expect(show.seconds(72.4)):equals "1m 12s"
    expect(show.seconds(7500)):equals "2h 05m"
    expect(show.whole(12.9)):equals "12s"
    expect(show.minutes(725)):equals "12m"
    expect(show.minutes(45)):equals "45s"
    expect(show.whole(-1)):equals "0s"
  end)

  it("says why a job failed", function()
    expect(show.failure { kind = "process", exit_code = 65 }):equals "exit 65"
    expect(show.failure { kind = "process", signal = "SIGKILL" }):equals "killed by SIGKILL"
    expect(show.failure { kind = "process", signal = 9 }):equals "killed by signal 9"
    expect(show.failure { kind = "timeout", message = "x" }):equals "timed out"
    expect(show.failure { kind = "timeout", stalled = true }):contains "stalled"
    expect(show.failure { kind = "error", message = "\27[31mno\27[0m scene\nmore" }):equals(
      "no scene")
    expect(show.failure(nil)):equals "failed"
  end)

  it("lists names", function()
    expect(show.names({ "a", "b" }, 3)):equals "a, b"
    expect(show.names({ "a", "b", "c", "d" }, 3)):equals "a, b, c and 1 more"
    expect(show.names({ "a" }, 3, 8)):equals "a and 7 more"
  end)
end)
