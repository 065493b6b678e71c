--- URLs as text: what is wrong with one, its parts, and what may be shown of it.
---
---     url.shown "https://ann:pw@host/x?key=1"   -- "https://host/x?key=***"

local errors = require "orch.core.error"
local arg = require "orch.arg"

local find, match = string.find, string.match

local url = {}

local ports = { http = "80", https = "443", ftp = "21", ftps = "990", sftp = "22" }

--- What a URL consists of; scheme and host in lower case.
---@param text string
---@return string? scheme nil: it is none
---@return string user "" or what stands before the @
---@return string host with its port
---@return string rest path, query and fragment
function url.split(text)
  local scheme, authority, rest = match(text, "^(%a[%w+.-]*)://([^/?#]*)(.*)$")
  if not scheme then return nil, "", "", text end
  local user, host = match(authority, "^(.*)@([^@]*)$")
  return scheme:lower(), user or "", (host or authority):lower(), rest
end

---Scheme, host and port: what credentials belong to.
---@param text string
---@return string
function url.origin(text)
  local scheme, _, host = url.split(text)
  if not scheme then return text end
  if not match(host, ":%d+$") then host = host .. ":" .. (ports[scheme] or "") end
  return scheme .. "://" .. host
end

--- Names of query values that are nobody's business.
local secret_names = {
  key = true, sig = true, pwd = true, pass = true, auth = true, code = true, apikey = true,
  authorization = true, jwt = true, sas = true,
}
local secret_parts = {
  "token", "secret", "passw", "signature", "credential", "api_key", "api-key", "access_key",
  "access-key", "accesskey", "apikey", "session", "subscription-key",
}

---Whether a value of this name must not be shown.
---@param name string
---@return boolean
function url.is_secret(name)
  name = name:lower()
  if secret_names[name] then return true end
  for _, part in ipairs(secret_parts) do
    if find(name, part, 1, true) then return true end
  end
  return false
end

local function hide(name, value)
  if url.is_secret(name) and value ~= "" then return name .. "=***" end
end

---The URL without user, password and secret query values: for messages and logs.
---@param text string
---@return string
function url.shown(text)
  local plain = not find(text, "[?@#]")
  if plain then return text end
  local start, authority, rest = match(text, "^(%a[%w+.-]*://)([^/?#]*)(.*)$")
  if not start then -- "https//user:password@host": not one yet, and not to be shown either
    start = match(text, "^%a*:?/+") or ""
    authority, rest = match(text, "^([^/?#]*@)(.*)$", #start + 1)
    if not authority then start, authority, rest = "", "", text end
  end
  rest = rest:gsub("#.*$", ""):gsub("([^?&=]+)=([^&]*)", hide)
  return start .. authority:gsub("^.*@", "") .. rest
end

local function refuse(text, why, ...)
  errors.throw(errors.make { kind = "http", url = url.shown(text),
    message = ("'%s' is no URL to use: "):format(url.shown(text)) .. why:format(...) })
end
url.refuse = refuse

---Percent-encodes all but letters, digits and `-._~`.
---@param text string
---@return string
function url.encode(text)
  return (text:gsub("[^%w%-._~]", function(c) return ("%%%02X"):format(c:byte()) end))
end

---@param text string
---@return string
function url.decode(text)
  return (text:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

local function encode_byte(c)
  return ("%%%02X"):format(c:byte())
end

local function check_port(text, host)
  local port = match(host, ":([^:%]]*)$")
  if not port or port == "" then return end
  if not find(port, "^%d+$") or tonumber(port) > 65535 then
    refuse(text, "the port '%s' is no number from 0 to 65535", port)
  end
end

local http_only = { http = true, https = true }

local function is_broken_ipv6(host)
  return find(host, "[%[%]]") and not find(host .. ":", "^%[[^%[%]]+%]:")
end

--- The long way, for all but the plainest ones.
local function examine(text, schemes)
  if find(text, "%c") then
    refuse(text:gsub("%c", "?"), "it has a control character, such as a line end")
  end
  local scheme, authority, rest = match(text, "^%s*(%a[%w+.-]*)://([^/?#]*)(.-)%s*$")
  if not scheme then
    local plain, host = match(text, "^([hH][tT][tT][pP][sS]?):?/+(.+)") -- https//, http:/
    local near = plain or find(text, "^[%w.-]+[:/]?") and not find(text, "^%a+:%D") and text ~= ""
    refuse(text, "it has no scheme%s", near and ("; did you mean '%s://%s'?"):format(
      (plain or "https"):lower(), url.shown(host or text)) or ", such as https://")
  end
  scheme = scheme:lower()
  if not schemes[scheme] then
    local known = table.concat(arg.keys_of(schemes), ", ")
    refuse(text, "the scheme '%s' is not one of %s", scheme, known)
  end
  local user, host = match(authority, "^(.*)@([^@]*)$")
  host = host or authority
  if host == "" or find(host, "^:") then refuse(text, "it names no host") end
  if find(host, "[ <>\"\\^`{|}]") or is_broken_ipv6(host) then
    refuse(text, "the host '%s' cannot be one", host)
  end
  if not utf8.len(host) then refuse(text:gsub("[\128-\255]", "?"), "its host is not UTF-8") end
  check_port(text, host)
  user = user and url.decode(user)
  if user and find(user, "%c") then refuse(text, "its user has a control character") end
  rest = rest:gsub("[^!-~]", encode_byte)
  return scheme .. "://" .. host .. rest, user
end

--- URLs that were found plain, as patterns cost a tenth of a small request.
local checked, count, MOST_CHECKED = {}, 0, 1000

---Checks a URL and takes the credentials out of it. What is no ASCII after the host, and
---spaces, are percent-encoded. Raises kind `usage` for what is no string, `http` otherwise.
---@param fname string the function that the script called
---@param text any
---@param schemes? table<string, true> http and https by default
---@return string url
---@return string? user "user:password" that it had
function url.check(fname, text, schemes)
  if checked[text] then return text end
  if type(text) ~= "string" then arg.check(fname, 1, text, "string") end
  if find(text, "^https?://[%w.%-]+:?%d?%d?%d?%d?/[!-~]*$")
    or find(text, "^https?://[%w.%-]+:[1-5]%d%d%d%d/[!-~]*$") then
    if count == MOST_CHECKED then checked, count = {}, 0 end
    checked[text], count = true, count + 1
    return text
  end
  return examine(text, schemes or http_only)
end

---Puts a query behind a URL, before its fragment.
---@param text string
---@param query string
---@return string
function url.with_query(text, query)
  if query == "" then return text end
  local before, fragment = match(text, "^([^#]*)(#?.*)$")
  local joint = not find(before, "?", 1, true) and "?" or find(before, "[?&]$") and "" or "&"
  return before .. joint .. query .. fragment
end

--- "a/./b/../c" -> "a/c" (RFC 3986, 5.2.4).
local function without_dots(path)
  local parts, slash = {}, ""
  for part in path:gmatch "[^/]*" do
    slash = ""
    if part == ".." then
      if #parts > 1 then parts[#parts] = nil end
      slash = "/"
    elseif part == "." then
      slash = "/"
    else
      parts[#parts + 1] = part
    end
  end
  local joined = table.concat(parts, "/")
  return slash == "/" and joined:sub(-1) ~= "/" and joined .. "/" or joined
end

---Where a reference in a page of `base` leads (RFC 3986, 5.2).
---@param base string
---@param reference string
---@return string
function url.resolve(base, reference)
  reference = match(reference, "^%s*(.-)%s*$")
  if find(reference, "^%a[%w+.-]*:") then return reference end
  local scheme, authority, rest = match(base, "^(%a[%w+.-]*:)//([^/?#]*)([^#]*)")
  if not scheme then return reference end
  if reference:sub(1, 2) == "//" then return scheme .. reference end
  local origin = scheme .. "//" .. authority
  local path, query = match(rest, "^([^?]*)(.*)$")
  if reference == "" then return origin .. path .. query end
  local first = reference:sub(1, 1)
  if first == "?" then return origin .. path .. reference end
  if first == "#" then return origin .. path .. query .. reference end
  local new, tail = match(reference, "^([^?#]*)(.*)$")
  if first ~= "/" then
    new = (path == "" and "/" or match(path, "^(.*/)") or "/") .. new
  end
  return origin .. without_dots(new) .. tail
end

---What a client makes of a path: `base` + "/" + path, whatever slashes they have; a whole
---URL stands for itself, and "?a=b" goes behind the base.
---@param base string
---@param path string
---@return string
function url.below(base, path)
  if find(path, "^%a[%w+.-]*://") then return path end
  if path == "" then return base end
  local first = path:sub(1, 1)
  if first == "?" or first == "#" then return base .. path end
  return (base:gsub("/+$", "")) .. "/" .. (path:gsub("^/+", ""))
end

return url
