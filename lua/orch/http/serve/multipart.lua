--- The parts of a multipart form (RFC 7578), from a body in memory.
---
---     multipart(body, 'multipart/form-data; boundary=x')  -- {title="...", file={filename=, ...}}

local arg = require "orch.arg"

local function parameter(text, name)
  local rest = ";" .. text
  return rest:match("[;%s]" .. name .. '="([^"]*)"') or rest:match("[;%s]" .. name .. "=([^;%s]+)")
end

local function header_of(head, name)
  for line in head:gmatch "[^\r\n]+" do
    local key, value = line:match "^([^:]+):%s*(.*)$"
    if key and key:lower() == name then return value end
  end
end

---@param body string
---@param content_type string
---@return table<string, string|{filename: string, type: string?, body: string}>
return function(body, content_type)
  local boundary = parameter(content_type, "boundary")
  if not boundary then
    arg.fail("request:form: the header Content-Type names no boundary: %s", content_type)
  end
  local fields = {}
  local text, delimiter = "\r\n" .. body, "\r\n--" .. boundary
  local _, at = text:find(delimiter, 1, true)
  while at and text:sub(at + 1, at + 2) ~= "--" do
    local _, head_end = text:find("\r\n\r\n", at, true)
    local stop, next_at = text:find(delimiter, head_end or at, true)
    if not head_end or not stop then break end -- cut short
    local head, content = text:sub(at + 1, head_end), text:sub(head_end + 1, stop - 1)
    local disposition = header_of(head, "content-disposition") or ""
    local name, filename = parameter(disposition, "name"), parameter(disposition, "filename")
    if name and filename then
      fields[name] = { filename = filename, type = header_of(head, "content-type"), body = content }
    elseif name then
      fields[name] = content
    end
    at = next_at
  end
  return fields
end
