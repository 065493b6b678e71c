--- What must not stand in a tape: credentials in headers, in addresses and in bodies
--- become `***`. The live request goes through the same, so matching never sees them.
---
---     local redact = redactor.new { "X-Studio-Key", "licence" }
---     redact:header "Authorization: Bearer abc"     --> "Authorization: Bearer ***"

local MASK = "***"

local Redactor = {}
Redactor.__index = Redactor

local redactor = { MASK = MASK }

local function set(text)
  local names = {}
  for name in text:gmatch("%S+") do names[name] = true end
  return names
end

local headers = set [[authorization proxy-authorization cookie x-api-key api-key
  x-goog-api-key x-auth-token x-access-token private-token x-amz-security-token
  x-vault-token x-csrf-token x-hub-signature x-hub-signature-256 apikey]]
local header_ends = { "%-token$", "api%-key$", "apikey$", "%-secret$", "%-signature$",
  "password$" }

local parameters = set [[key api_key apikey api-key token access_token refresh_token
  id_token auth_token session_token signature sig secret client_secret password passwd
  pwd x-amz-signature x-amz-credential x-amz-security-token x-goog-signature
  x-goog-credential subscription-key code_verifier client_assertion]]
local parameter_ends = { "[_%-]token$", "[_%-]secret$", "[_%-]signature$", "api[_%-]?key$" }

-- Fewer than of parameters: "key" and "token" are ordinary words in documents.
local fields = set [[access_token refresh_token id_token auth_token session_token
  client_secret api_key apikey secret_key secret_access_key private_key password]]

local function ends(name, patterns)
  for _, pattern in ipairs(patterns) do
    if name:find(pattern) then return true end
  end
  return false
end

local function is_secret(self, name, known, patterns)
  name = name:lower()
  local own = self.names[name]
  if own ~= nil then return own end
  return known[name] or ends(name, patterns)
end

---Registered secrets. Where nothing is registered that module was never loaded.
---@param text string
---@return string
function redactor.secrets(text)
  local secrets = package.loaded["orch.secrets"]
  local redact = type(secrets) == "table" and rawget(secrets, "redact")
  return redact and redact(text) or text
end

--- name=value&name=value, and both with what stands before a name.
local function parameters_in(self, text, before)
  return (text:gsub(before .. "([%w_.%-]+)=([^&#%s\"'<>\\]+)", function(mark, name, value)
    if value ~= MASK and is_secret(self, name, parameters, parameter_ends) then
      return mark .. name .. "=" .. MASK
    end
  end))
end

---An address: the password in front of its host, credentials in its query.
---@param url string
---@return string
function Redactor:url(url)
  url = url:gsub("^(%a[%w+.%-]*://[^/?#@]*):[^/?#@]*@", "%1:" .. MASK .. "@")
  return redactor.secrets(parameters_in(self, url, "([?&])"))
end

---A form in a body: application/x-www-form-urlencoded.
---@param text string
---@return string
function Redactor:form(text)
  return redactor.secrets(parameters_in(self, "&" .. text, "(&)"):sub(2))
end

local function set_cookie(value)
  return (value:gsub("^(%s*[^=;]+=)[^;]*", "%1" .. MASK))
end

---A line "Name: value". What kind of credential it is, and the name of a cookie, stay.
---@param line string
---@return string
function Redactor:header(line)
  local name, value = line:match("^([^:]+):%s*(.*)$")
  if not name then return line end
  local lower = name:lower()
  if lower == "set-cookie" and self.names[lower] == nil then
    return redactor.secrets(name .. ": " .. set_cookie(value))
  elseif is_secret(self, name, headers, header_ends) then
    local scheme = lower:find "authorization" and value:match("^%a+ ") or ""
    return name .. ": " .. scheme .. MASK
  end
  return name .. ": " .. redactor.secrets(parameters_in(self, value, "([?&])"))
end

--- The index after the string or the scalar that begins at `at`.
local function value_end(text, at)
  if text:byte(at) ~= 34 then return text:match("^[^%s,}%]]+()", at) end
  at = at + 1
  while true do
    local found = text:find('["\\]', at)
    if not found then return nil end
    if text:byte(found) == 34 then return found + 1 end
    at = found + 2
  end
end

--- "name": value, wherever JSON stands in the text.
local function fields_in(self, text)
  local parts, done, at = {}, 1, 1
  while true do
    local _, colon, name = text:find('"([%w_.%-]+)"%s*:%s*', at)
    if not colon then break end
    at = colon + 1
    local first = text:sub(at, at)
    if is_secret(self, name, fields, {}) and first ~= "{" and first ~= "[" and first ~= "" then
      local stop = value_end(text, at)
      if not stop then break end
      parts[#parts + 1] = text:sub(done, colon) .. '"' .. MASK .. '"'
      done, at = stop, stop
    end
  end
  if done == 1 then return text end
  return table.concat(parts) .. text:sub(done)
end

---A body that is text.
---@param text string
---@return string
function Redactor:text(text)
  text = parameters_in(self, fields_in(self, text), "([?&])")
  text = parameters_in(self, text, "(\\u0026)") -- an & as some servers write it in JSON
  return redactor.secrets(text)
end

---Any body. Of what is no text only registered secrets are redacted.
---@param bytes string
---@param is_text boolean?
---@return string
function Redactor:bytes(bytes, is_text)
  if is_text then return self:text(bytes) end
  return redactor.secrets(bytes)
end

---The chunks of a body after its redaction; a secret that lies across two of them joins
---these.
---@param chunks string[]
---@param is_text boolean
---@return string[] redacted
---@return integer[] first the index of the first chunk in each
function Redactor:chunks(chunks, is_text)
  local original = table.concat(chunks)
  local function clean(bytes) return self:bytes(bytes, is_text) end
  local function splits(left, right)
    return clean(left .. right) ~= clean(left) .. clean(right)
  end
  local whole = clean(original)
  local list, first, at, pending, began = {}, {}, 1, "", 1
  if whole == original then
    for i = 1, #chunks do first[i] = i end
    return chunks, first
  end
  for i, chunk in ipairs(chunks) do
    pending = pending .. chunk
    local text = clean(pending)
    local fits = whole:sub(at, at + #text - 1) == text
    if fits and i < #chunks and not splits(pending, chunks[i + 1]) or i == #chunks then
      if i == #chunks then text = whole:sub(at) end
      list[#list + 1], first[#first + 1] = text, began
      at, pending, began = at + #text, "", i + 1
    end
  end
  return list, first
end

---@param names (string|table)? a list of names that are redacted as well, and
---  `name=false` for such as are not
---@return table redactor
function redactor.new(names)
  local own = {}
  for key, value in pairs(names or {}) do
    if type(key) == "number" then
      own[tostring(value):lower()] = true
    else
      own[tostring(key):lower()] = value and true
    end
  end
  return setmetatable({ names = own }, Redactor)
end

return redactor
