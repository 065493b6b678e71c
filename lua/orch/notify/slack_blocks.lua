--- A message as Slack has it: mrkdwn, blocks, and the coloured bar of an attachment.
---
---     blocks.message { text = "a < b", color = "danger" }
---
--- Limits of November 2026: 40,000 characters of text, 50 blocks, 3,000 characters in a
--- section, 10 fields of 2,000 each in one, 150 in a header.

local arg = require "orch.arg"
local content = require "orch.notify.content"
local json = require "orch.json"

local blocks = {}

local TEXT, BLOCKS, SECTION, FIELD, HEADER = 40000, 50, 3000, 2000, 150
local FIELDS_IN_SECTION = 10
local FENCE = "```"
local SECTIONS = 4 -- together Slack takes some 13,000 characters
local colors = { good = "#2eb67d", warning = "#ecb22e", danger = "#e01e5a" }

---The three characters that mean something to Slack: no text mentions or links by accident.
---@param text string
---@return string
function blocks.escape(text)
  return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }))
end

local escape = blocks.escape

--- Half an entity would show.
local function cut_escaped(text, most)
  local short = content.cut_fenced(text, most)
  if short == text then return text end
  return (short:gsub("&%a*…(\n?`*)$", "…%1"))
end

local function section(text)
  return { type = "section", text = { type = "mrkdwn", text = text } }
end

--- Where a long text may be broken: at the end of a line, if there is one. What is code there
--- goes on as code.
local function split(text, most)
  local parts = {}
  while text ~= "" and #parts < SECTIONS do
    if (utf8.len(text) or #text) <= most or #parts == SECTIONS - 1 then
      parts[#parts + 1] = cut_escaped(text, most)
      break
    end
    local limit = utf8.offset(text, most - #FENCE) - 1
    local line = text:sub(1, limit):match "^.*()\n"
    local stop = line and line > limit // 2 and line or limit
    stop = text:sub(1, stop):match "^.*()&%a*$" or stop + 1
    local part = text:sub(1, stop - 1)
    local _, fences = part:gsub("```", "")
    text = text:sub(stop):gsub("^\n", "")
    if fences % 2 == 1 then part, text = part .. "\n" .. FENCE, FENCE .. "\n" .. text end
    parts[#parts + 1] = part
  end
  return parts
end

local function add_fields(list, fields)
  for i = 1, #fields, FIELDS_IN_SECTION do
    local shown = {}
    for j = i, math.min(i + FIELDS_IN_SECTION - 1, #fields) do
      local name, value = escape(fields[j][1]), escape(fields[j][2])
      shown[#shown + 1] = { type = "mrkdwn", text = cut_escaped(("*%s*\n%s"):format(name, value),
        FIELD) }
    end
    list[#list + 1] = { type = "section", fields = shown }
  end
end

local function link_text(link)
  return ("<%s|%s>"):format(escape(link.url), escape(link.text or link.url))
end

--- Everything but the text, which needs blocks.
local function is_plain(c)
  return not (c.title or c.fields or c.color or c.blocks)
end

local function own_blocks(c, text)
  local list = {}
  if c.title then
    list[1] = { type = "header", text = { type = "plain_text", emoji = true,
      text = content.cut(c.title, HEADER) } }
  end
  if text then
    for _, part in ipairs(split(text, SECTION)) do list[#list + 1] = section(part) end
  end
  if c.fields then add_fields(list, c.fields) end
  if c.link then list[#list + 1] = section(link_text(c.link)) end
  return table.move(list, 1, math.min(#list, BLOCKS), 1, {})
end

local function given_blocks(list)
  if #list == 0 or #list > BLOCKS then
    arg.fail("notify.slack: `blocks` should be a list of 1 to %d blocks; there are %d", BLOCKS,
      #list)
  end
  return list
end

---@param c orch.notify.Content
---@param whole boolean? says of everything that it is not there: what an update leaves out stays
---@return table body without its channel
function blocks.message(c, whole)
  local text = c.text and (c.markup and c.text or escape(c.text))
  local body = {}
  if whole then body.blocks, body.attachments = json.array {}, json.array {} end
  if is_plain(c) then
    body.text = text or ""
    if c.link then body.text = body.text .. "\n" .. link_text(c.link) end
    body.text = cut_escaped(body.text, TEXT)
    return body
  end
  body.text = cut_escaped(escape(c.title or "") .. (c.title and text and ": " or "")
    .. (text or ""), SECTION) -- for notifications
  local list = c.blocks and given_blocks(c.blocks) or own_blocks(c, text)
  if not c.color then
    body.blocks = list
    return body
  end
  body.attachments = { { color = colors[c.color], blocks = list, fallback = body.text } }
  -- Beside the attachment the text would be shown a second time.
  body.text = c.title and escape(c.title) or nil
  if body.text and not c.blocks then table.remove(list, 1) end
  if #list == 0 then body.attachments[1] = { color = colors[c.color], text = text or " " } end
  return body
end

return blocks
