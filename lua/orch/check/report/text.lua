--- What a terminal shows of a check: findings in words, alike ones together, the worst last
--- and the counts at the end, next to the prompt.
---
---     io.write(text(result, { paths = { "Assets" } }))

local arg = require "orch.arg"
local command = require "orch.check.report.command"
local entries = require "orch.check.report.entry"
local grouping = require "orch.check.group"
local place = require "orch.place"
local say = require "orch.check.report.say"
local sheets = require "orch.check.report.sheet"
local summary = require "orch.check.report.summary"

local MOST = 40 -- findings or groups of them

local options = { color = "boolean", columns = "integer", all = "boolean", paths = "table",
  at = "string", most = "integer" }

---@class orch.CheckTextOptions
---@field color? boolean by default as the terminal is
---@field columns? integer by default as the terminal has them
---@field all? boolean every finding on its own, none left out
---@field most? integer how many findings, or groups of them, are shown; 40 by default
---@field paths? string[] what the person asked for, for the commands that are offered
---@field at? string the folder of -C, for them

local function add_hidden(sheet, hidden, count, opts)
  if count == 0 then return end
  sheet:command("and " .. say.counts(hidden) .. " more:",
    command.check({ "--all" }, opts.paths, opts.at), nil, 0)
  sheet:gap()
end

--- In a log of GitHub's, what a file is called or has in it must not be taken for a command.
local function fenced(words)
  if place.getenv "GITHUB_ACTIONS" ~= "true" then return words end
  if not (words:find("::", 1, true) or words:find("##[", 1, true)) then return words end
  local stop, go_on = require("orch.view.annotation").fence()
  return stop .. words .. go_on
end

---@param result table
---@param opts? orch.CheckTextOptions
---@return string text
return function(result, opts)
  opts = arg.options("check.report.text", opts, options)
  local sheet = sheets.new(opts)
  local groups = grouping.of(result.findings, opts)
  local hidden, count
  groups, hidden, count = grouping.cap(groups, opts.all and math.huge or opts.most or MOST)
  add_hidden(sheet, hidden, count, opts)
  local entry = entries.new(sheet, result, groups, opts.paths, opts.at)
  for _, group in ipairs(groups) do
    entry:add(group)
    sheet:gap()
  end
  summary.add(sheet, result, opts.paths, opts.at)
  return fenced(sheet:text())
end
