--- What is posted: a text, or a table that every service can show.
---
---     local c = content.read("chat:post", { title = "Build", text = "done", color = "good" })
---
--- Secrets are masked here, as in every output; what is no UTF-8 is made some.

local arg = require "orch.arg"
local valid = require("orch.pipeline.text").valid

local content = {}

---@class orch.notify.Content
---@field text string?
---@field title string?
---@field color "good"|"warning"|"danger"|nil
---@field fields {[1]: string, [2]: string|number|boolean}[]? shown beside each other
---@field link string|{url: string, text: string?}|nil
---@field blocks table? the service's own: Slack blocks, Discord embeds, elements of a card
---@field markup boolean? `text` is in the service's own markup, which is not escaped then
---@field markdown string? the same as Markdown, for those who read it: webhooks
---@field status string? how a run ended, for the same
---@field html string? e-mail: the other form of the text; made from the rest unless given
---@field subject string? e-mail: another subject than `title`
---@field files orch.Path[]? e-mail: attachments

local spec = {
  text = "string|number", title = "string|number", color = "string", fields = "table",
  link = "string|table", blocks = "table", markup = "boolean", markdown = "string",
  status = "string",
}

local colors = { good = true, warning = true, danger = true }

--- As it may go out.
local function clean(text)
  local secrets = package.loaded["orch.secrets"]
  text = valid(tostring(text))
  return secrets and secrets.redact(text) or text
end

local function read_fields(fname, list)
  local found = {}
  for i, field in ipairs(list) do
    local name, value = nil, nil
    if type(field) == "table" then
      name, value = field[1] or field.name, field[2]
      if value == nil then value = field.value end
    end
    local plain = type(value) == "string" or type(value) == "boolean" or math.type(value)
    if type(name) ~= "string" or not plain then
      arg.fail('%s: item %d of `fields` should be { "name", "value" }, not %s', fname, i,
        arg.describe(field))
    end
    found[i] = { clean(name), clean(value) }
  end
  if #found == 0 and next(list) ~= nil then
    arg.fail('%s: `fields` should be a list of { "name", "value" }, so that they have an order',
      fname)
  end
  return found[1] and found
end

local function read_link(fname, link)
  if type(link) == "string" then link = { url = link } end
  local o = arg.options(fname .. ": link", link, { url = "string", text = "string" })
  if not o.url or not o.url:find "^https?://[^%s%c<>|\"]+$" then
    arg.fail("%s: `link` should be a URL with http:// or https://, not %s", fname,
      arg.describe(o.url))
  end
  return { url = o.url, text = o.text and clean(o.text) }
end

---@param fname string
---@param link string|table|nil
---@return {url: string, text: string?}?
function content.link(fname, link)
  return link and read_link(fname, link)
end

---@param fname string for messages
---@param value string|orch.notify.Content
---@param more table<string, string>? further options, as for `arg.options`
---@return orch.notify.Content content checked; `link` is a table
function content.read(fname, value, more)
  if type(value) == "string" or math.type(value) then value = { text = value } end
  if type(value) ~= "table" then
    arg.fail('%s: a text is wanted, or a table such as { title = "Build", text = "done" }, not %s',
      fname, arg.describe(value))
  end
  local all = spec
  if more then
    all = setmetatable({}, nil)
    for name, types in next, spec do all[name] = types end
    for name, types in next, more do all[name] = types end
  end
  local c = arg.options(fname, value, all)
  if c.color and not colors[c.color] then
    arg.fail("%s: option `color` should be good, warning or danger, not %q", fname, c.color)
  end
  for _, name in ipairs { "text", "title", "markdown", "html", "subject" } do
    if c[name] ~= nil then c[name] = clean(c[name]) end
  end
  c.fields = c.fields and read_fields(fname, c.fields)
  c.link = content.link(fname, c.link)
  if not (c.text and c.text ~= "" or c.title or c.fields or c.blocks or c.html) then
    arg.fail("%s: there is nothing to post: give `text`, `title`, `fields` or `blocks`", fname)
  end
  return c
end

---@param text string
---@param most integer characters
---@return string text cut at its end, with an ellipsis
function content.cut(text, most)
  if #text <= most or (utf8.len(text) or 0) <= most then return text end
  return text:sub(1, utf8.offset(text, most) - 1) .. "…"
end

local function is_closed(text)
  local _, fences = text:gsub("```", "")
  return fences % 2 == 0
end

---The same of a text with ``` fences: one that is open at the cut is closed.
---@param text string
---@param most integer characters
---@return string
function content.cut_fenced(text, most)
  local short = content.cut(text, most)
  if short == text or is_closed(short) and not short:find "`…$" then return short end
  short = content.cut(text, most - #"\n```"):gsub("`*…$", "…")
  return is_closed(short) and short or short .. "\n```"
end

---Everything on one line, for statuses and subjects.
---@param c orch.notify.Content
---@return string
function content.line(c)
  local text = c.title or c.text or ""
  if c.title and c.text then text = c.title .. ": " .. c.text end
  return (text:gsub("%s+", " "):match "^ ?(.-) ?$")
end

---All of it as plain text.
---@param c orch.notify.Content
---@return string
function content.plain(c)
  local parts = {}
  if c.title then parts[1] = c.title end
  if c.text then parts[#parts + 1] = c.text end
  if c.fields then
    local lines = {}
    for i, field in ipairs(c.fields) do lines[i] = field[1] .. ": " .. field[2] end
    parts[#parts + 1] = table.concat(lines, "\n")
  end
  if c.link then
    parts[#parts + 1] = (c.link.text and c.link.text .. ": " or "") .. c.link.url
  end
  return table.concat(parts, "\n\n")
end

return content
