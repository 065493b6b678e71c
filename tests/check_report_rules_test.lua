-- The rule book, and all about one rule: orch.check.report.rules and .explain.

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local results = dofile(here .. "/helper/check_result.lua")
local explain = require "orch.check.report.explain"
local rules = require "orch.check.report.rules"
local tty = require "orch.tty"

local function explained(rule, more)
  local opts = { columns = 80, color = false }
  for name, value in pairs(more or {}) do opts[name] = value end
  return explain(rule, opts)
end

describe("the rule book", function()
  it("has each rule with what holds and what mends it, file by file", function()
    expect(rules(results.rules(), { columns = 80, color = false })):equals [[
checks/audio.lua
  audio.rate            warning  Sample rate is one that the game mixes
                                 fix: convert to 48 kHz (unsafe)

checks/textures.lua
  texture.name          error    Names are unique and follow T_Name_Suffix
  texture.normal-map    error    Normal maps are linear and really are normal
                                 maps
                                 fix: remove the sRGB tag
  texture.size          error    Texture fits the memory budget
                                 fix: resize to the budget (unsafe)
  texture.unused-alpha  note     Alpha channel is used

5 rules; all about one: orch check --explain audio.rate
]]
    expect(rules({}, { color = false })):contains "there are no rules"
  end)

  it("says which rules come with orch", function()
    local list = results.rules()
    list[1].shipped, list[1].source = true, "orch/check/rules/audio.lua"
    expect(rules(list, { color = false })):contains "audio, which comes with orch\n"
  end)

  it("is Markdown for a wiki, in which no name is markup", function()
    local list = results.rules()
    list[5].title, list[5].why = "a *b* <script> [x](y)", "one | two"
    local text = rules(list, { format = "markdown" })
    expect(text):contains "### `texture.size`\n\nTexture fits the memory budget (error)\n"
    expect(text):contains "| `Assets/UI/**` | `max = 1024` |"
    expect(text):contains "- fix: resize to the budget (`orch check --fix --unsafe`)"
    expect(text):contains "- more: <https://wiki.example.net/art/textures#texture.size>"
    expect(text):contains [[a \*b\* \<script\> \[x\](y)]]
    expect(text):contains [[one \| two]]
  end)

  it("is a page without a script", function()
    local page = rules(results.rules(), { format = "html" })
    expect(page):contains '<article id="texture.size">'
    expect(page):contains "max = 1024"
    expect(page).never:contains "<script"
    expect(select(2, page:gsub("<article ", ""))):equals(5)
  end)

  it("refuses another format", function()
    local err = expect(function() rules({}, { format = "pdf" }) end):raises "usage"
    expect(err.message):contains '"markdown"'
  end)
end)

describe("an explanation", function()
  it("says why, where, how it is configured, what mends it and how it is changed", function()
    expect(explained(results.rules()[4])):equals [[
texture.size  error
  Texture fits the memory budget

  why:     A texture takes four times the memory when its sides double.
  files:   Assets/**/*.{png,tga,psd,tif,exr,dds} !Assets/ThirdParty/**
  config:  Assets/UI/**      max = 1024
           Assets/Heroes/**  max = 4096
           **                max = 2048
           (the first that fits a file counts)
  fixes:   resize: resize to the budget (changes the content)
           orch check --fix --unsafe --rule texture.size
  ask:     @tech-art
  docs:    https://wiki.example.net/art/textures#texture.size
  change:  edit checks/textures.lua:12
]]
  end)

  it("says of one that comes with orch how it is configured or copied", function()
    local rule = results.rules()[4]
    rule.shipped = true
    local text = explained(rule)
    expect(text):contains "orch new check --from texture.size"
    local code = text:match "(check%.configure%b())"
    local given
    load(code, "=x", "t", { check = { configure = function(id, options)
      given = { id, options }
    end } })()
    expect(given):equals { "texture.size",
      { config = { { "Assets/Folder/**", max = 2048 }, { "**", max = 2048 } } } }
    rule.config = { max = 7, kinds = { "a", b = true } }
    expect(explained(rule)):contains 'config:  kinds = { "a", b = true }, max = 7\n'
    rule.config = {}
    expect(explained(rule)):contains '{ severity = "warning" }'
  end)

  it("shows what it has found, as an example", function()
    local few = results.few()
    local text = explained(few.rules[5], { findings = few.findings })
    expect(text):contains "What it found, of 2 findings the first:\nnote    Assets/Heroes/T_Hair"
    expect(explained(few.rules[5], { findings = {} })).never:contains "found"
  end)

  it("is made of as little as a rule may have, and of any text", function()
    expect(explained { id = "a", files = { "**" }, severity = "info" }):contains "a  note\n"
    local evil = results.evil_text
    local text = explained { id = evil, title = evil, why = evil, files = { evil },
      severity = "error", config = { { evil, [evil] = evil } }, fixes = { [evil] = { label = evil } }, owner = evil,
      docs = evil, tags = { evil }, where = evil, timeout = 3, cache = false }
    expect(text).never:contains "\27"
    expect(text).never:contains "\u{202e}"
    expect(tty.width(text)):less_than(400)
  end)
end)
