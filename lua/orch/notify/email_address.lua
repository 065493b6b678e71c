--- Addresses of e-mail, and text in header lines.
---
---     local one = address.read("notify.email", "to", "Ann Ö <ann@example.com>")
---     one.mail      --> "ann@example.com"
---     one.header    --> "=?UTF-8?B?QW5uIMOW?= <ann@example.com>"
---
--- RFC 5322 and 2047. What would end a header line is refused, never repaired: a subject from
--- somewhere else must not add recipients.

local arg = require "orch.arg"
local base64 = require("orch.hash").base64

local address = {}

local LONGEST_NAME = 60 -- characters, so that its line has no more than 78
local WORD = 39 -- bytes in an encoded word: with its frame and "Subject: " within 76 characters

---Refuses what would end the header line.
---@param fname string
---@param what string
---@param text string
---@return string text
function address.check_line(fname, what, text)
  if text:find "[\r\n\0]" then
    arg.fail("%s: %s has a line end or a NUL in it, which would end its header", fname, what)
  end
  return text
end

--- "=?UTF-8?B?...?=", as many as it takes, each with whole characters.
local function encoded(text)
  local words, at = {}, 1
  while at <= #text do
    local stop = math.min(at + WORD - 1, #text)
    while stop < #text and text:byte(stop + 1) & 0xc0 == 0x80 do stop = stop - 1 end
    words[#words + 1] = "=?UTF-8?B?" .. base64(text:sub(at, stop)) .. "?="
    at = stop + 1
  end
  return table.concat(words, "\r\n ")
end

--- Folded where there is a space, as lines should have no more than 78 characters.
local function folded(text, used)
  local lines, line = {}, ""
  for gap, word in text:gmatch "(%s*)(%S+)" do
    if line ~= "" and used + #line + #gap + #word > 76 then
      lines[#lines + 1], line, used = line, gap .. word, 0
    else
      line = line .. gap .. word
    end
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\r\n")
end

---Text of a header such as Subject.
---@param text string without line ends
---@param used integer characters that the line has already
---@return string
function address.text(text, used)
  local longest = 0
  for word in text:gmatch "%S+" do longest = math.max(longest, #word) end
  if text:find "[^ -~]" or text:find "=%?" or longest > 900 then return encoded(text) end
  return folded(text, used)
end

local function phrase(name)
  if name:find "[^ -~]" or name:find("=?", 1, true) or #name > LONGEST_NAME then
    return encoded(name)
  end
  if name:find "^[%w !#$%%&'*+/=?^_`{|}~-]+$" then return name end
  return '"' .. name:gsub('[\\"]', "\\%0") .. '"'
end

---@param fname string
---@param what string the option, for messages
---@param text any "ann@example.com" or "Ann <ann@example.com>"
---@return {mail: string, header: string}
function address.read(fname, what, text)
  if type(text) ~= "string" then
    arg.fail('%s: option `%s` should be an address such as "Ann <ann@example.com>", not %s', fname,
      what, arg.describe(text))
  end
  address.check_line(fname, "option `" .. what .. "`", text)
  local name, mail = text:match "^%s*(.-)%s*<([^<>]*)>%s*$"
  mail = mail or text:match "^%s*(.-)%s*$"
  if mail:find "[\128-\255]" then
    arg.fail("%s: the address '%s' has a character that few servers take (SMTPUTF8); write the "
      .. "domain in its xn-- form", fname, mail)
  end
  if not mail:find "^[%w.!#$%%&'*+/=?^_`{|}~-]+@[%w][%w.-]*$" then
    arg.fail("%s: '%s' of option `%s` is no address such as ann@example.com", fname, mail, what)
  end
  name = name and name:gsub('^"(.*)"$', "%1")
  if not name or name == "" then return { mail = mail, header = mail } end
  local shown = phrase(name)
  local gap = #shown + #mail > LONGEST_NAME and "\r\n " or " "
  return { mail = mail, header = ("%s%s<%s>"):format(shown, gap, mail) }
end

---@param fname string
---@param what string
---@param value string|string[]|nil
---@return {mail: string, header: string}[]
function address.list(fname, what, value)
  if value == nil then return {} end
  local found = {}
  for i, one in ipairs(type(value) == "table" and value or { value }) do
    found[i] = address.read(fname, what, one)
  end
  return found
end

return address
