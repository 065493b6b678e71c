--- A message as SMTP sends it: RFC 5322, 2045 to 2047, 2183. The dots at the beginning of lines
--- are doubled by libcurl.
---
---     local text = message.write { from =, to =, subject =, id =, text =, html =, files = {} }

local address = require "orch.notify.email_address"
local base64 = require("orch.hash").base64
local hex = require "orch.hex"

local message = {}

local LINE = 76

local function base64_lines(bytes)
  return (base64(bytes):gsub(("."):rep(LINE), "%0\r\n"):gsub("\r\n$", ""))
end

local function hex_byte(c)
  return ("=%02X"):format(c:byte())
end

--- One line of quoted-printable, broken softly.
local function quoted_line(line)
  line = line:gsub("[^ -<>-~\t]", hex_byte):gsub("[ \t]$", hex_byte)
  local parts, at = {}, 1
  while #line - at + 1 > LINE do
    local stop = at + LINE - 2
    local escape = line:sub(stop - 1, stop):find("=", 1, true)
    if escape then stop = stop - 3 + escape end
    parts[#parts + 1] = line:sub(at, stop) .. "="
    at = stop + 1
  end
  parts[#parts + 1] = line:sub(at)
  return table.concat(parts, "\r\n")
end

---@param text string UTF-8, any line ends
---@return string quoted_printable with CRLF
function message.quoted(text)
  local lines = {}
  for line in (text:gsub("\r\n?", "\n") .. "\n"):gmatch "(.-)\n" do
    lines[#lines + 1] = quoted_line(line)
  end
  return table.concat(lines, "\r\n")
end

local function text_part(kind, text)
  return ("Content-Type: text/%s; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable"
    .. "\r\n\r\n%s"):format(kind, message.quoted(text))
end

--- The name twice where it is not ASCII: RFC 2231 for those who know it.
local function file_part(file)
  local plain = file.name:gsub('[^ -~]', "_"):gsub('["\\]', "_")
  local star = plain == file.name and "" or
    "\r\n filename*=UTF-8''" .. require("orch.http.url").encode(file.name) .. ";"
  return ("Content-Type: %s\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: "
    .. "attachment;%s\r\n filename=\"%s\"\r\n\r\n%s"):format(file.type, star, plain,
    base64_lines(file.content))
end

local function random()
  local file <close> = assert(io.open("/dev/urandom", "rb"))
  return hex(file:read(16))
end

local function multipart(kind, parts)
  local mark = "orch-" .. random()
  local out = { ('Content-Type: multipart/%s;\r\n boundary="%s"\r\n\r\n'):format(kind, mark) }
  for _, part in ipairs(parts) do out[#out + 1] = ("--%s\r\n%s\r\n"):format(mark, part) end
  out[#out + 1] = ("--%s--\r\n"):format(mark)
  return table.concat(out)
end

local function join(list)
  local headers = {}
  for i, one in ipairs(list) do headers[i] = one.header end
  return table.concat(headers, ",\r\n ")
end

---@param domain string
---@return string id "<...@domain>"
function message.new_id(domain)
  return ("<%s.%d@%s>"):format(random(), os.time(), domain)
end

local function body_of(m)
  local body = text_part("plain", m.text)
  if m.html then body = multipart("alternative", { body, text_part("html", m.html) }) end
  if not m.files or #m.files == 0 then return body end
  local parts = { body }
  for i, file in ipairs(m.files) do parts[i + 1] = file_part(file) end
  return multipart("mixed", parts)
end

---@class orch.notify.Mail
---@field from {mail: string, header: string}
---@field to {mail: string, header: string}[]
---@field cc {mail: string, header: string}[]
---@field reply_to {mail: string, header: string}[]
---@field subject string without line ends
---@field id string
---@field references string[]? the thread, the message that is answered last
---@field text string
---@field html string?
---@field files {name: string, type: string, content: string}[]?

---@param m orch.notify.Mail
---@return string bytes
function message.write(m)
  local lines = {
    "Date: " .. os.date("!%a, %d %b %Y %H:%M:%S +0000"),
    "From: " .. m.from.header,
    "Subject: " .. address.text(m.subject, #"Subject: "),
    "Message-ID: " .. m.id,
    "MIME-Version: 1.0",
    "Auto-Submitted: auto-generated", -- nobody's holiday answers it (RFC 3834)
  }
  for _, name in ipairs { "To", "Cc", "Reply-To" } do
    local list = m[name:lower():gsub("-", "_")]
    if list and #list > 0 then lines[#lines + 1] = name .. ": " .. join(list) end
  end
  if m.references then
    lines[#lines + 1] = "In-Reply-To: " .. m.references[#m.references]
    lines[#lines + 1] = "References: " .. table.concat(m.references, "\r\n ")
  end
  return table.concat(lines, "\r\n") .. "\r\n" .. body_of(m) .. "\r\n"
end

return message
