--- A check as one HTML file that needs nothing else: no network, no server, no script for
--- what matters. It may be sent by mail or opened from a file share.
---
---     orch.fs.write("check.html", html(result, { paths = { "Assets" } }))
---
--- Nothing that a file or a rule is called can become markup: all of it is escaped, and the
--- page's policy allows its own script only.

local arg = require "orch.arg"
local aside = require "orch.check.report.html.aside"
local command = require "orch.check.report.command"
local groups = require "orch.check.report.html.group"
local markup = require "orch.report.html.markup"
local pictures = require "orch.check.report.html.pictures"
local say = require "orch.check.report.say"
local summary = require "orch.check.report.html.summary"

local function policy(script)
  local hash = require "orch.hash"
  return ("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-%s'; img-src data:; "
    .. "base-uri 'none'; form-action 'none'"):format(hash.base64(hash.unhex(hash.sha256(script))))
end

local function head(result, script)
  return table.concat {
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
    '<meta http-equiv="Content-Security-Policy" content="', policy(script), '">\n',
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
    '<meta name="color-scheme" content="light dark">\n<meta name="generator" content="orch">\n',
    markup.fill("<title>%s · orch check</title>\n", summary.title(result)), "<style>\n",
    require "orch.check.report.html.style", "</style>\n</head>\n",
  }
end

local function name_of(result)
  return say.name((result.folder or ""):match "([^/]+)/*$" or "orch check")
end

local function top_bar(result)
  return markup.fill('<header class="top"><span class="name">%s</span>', name_of(result))
    .. '<div class="find" role="search"><input id="query" type="search" placeholder="Search files, '
    .. 'rules, owners" autocomplete="off" spellcheck="false" aria-label="Search findings">'
    .. '<kbd>/</kbd></div><button id="theme" type="button">Theme</button></header>\n'
end

local function note(drawn)
  local words = {}
  if drawn.left > 0 then
    words[1] = ("%s had no room in this file."):format(say.count(drawn.left, "picture"))
  end
  if drawn.failed > 0 then
    words[#words + 1] = ("%s could not be drawn."):format(say.count(drawn.failed, "picture"))
  end
  return table.concat(words, " ")
end

local options = { paths = "table", render = "callable", most_pictures = "integer",
  picture_bytes = "size", picture_time = "duration", time = "number", fail_on = "string" }

---@class orch.CheckHtmlOptions
---@field paths? string[] what the person asked for, for the commands that are offered
---@field render? fun(picture: table): string draws a picture as PNG; by default image.render
---@field most_pictures? integer 200 by default
---@field picture_bytes? number|string of all pictures, 12M by default
---@field picture_time? number|string after so long no picture is begun; 20s by default
---@field fail_on? string what fails a check: the page does not depend on it
---@field time? number when it was, in seconds since 1970; by default now

---@async
---@param result table
---@param opts? orch.CheckHtmlOptions
---@return string html
return function(result, opts)
  opts = arg.options("check.report.html", opts, options)
  local findings, script = groups.sorted(result.findings), require "orch.check.report.html.script"
  local drawn = pictures.draw(result, findings, { render = opts.render, most = opts.most_pictures,
    bytes = opts.picture_bytes, seconds = opts.picture_time })
  local commands = command.of(result)
  local context = { commands = commands, rules = commands.rules, pictures = drawn }
  return table.concat {
    head(result, script), "<body>\n", top_bar(result), "<main>",
    summary.html(result, commands, opts), aside.fixed(result, drawn),
    '<div class="bar" id="bar"></div><h2 hidden>Findings</h2><div id="list">\n',
    groups.html(findings, context),
    '</div><p id="none" class="panel" hidden>No finding is like that.</p>',
    aside.waived(result), aside.rules(result),
    markup.fill("<footer>Written by orch %s. %s</footer>\n",
      require("orch.core.runtime").versions().orch, note(drawn)),
    "</main>\n<script>", script, "</script>\n</body>\n</html>\n",
  }
end
