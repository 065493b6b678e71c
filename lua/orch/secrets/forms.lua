--- The forms in which a secret may turn up in a text: as it is, in a URL, in JSON, in
--- XML, in base64 at any of its three alignments, in hexadecimal digits.
---
---     for _, form in ipairs(forms.of "p4ss/word") do core.add(form) end

local forms = {}

local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

--- The base64 digits of `text` behind `before` other bytes, without those digits that
--- depend on what stands before and behind it.
local function base64_core(text, before)
  local bits = ("\0"):rep(before) .. text .. "\0\0"
  local digits = {}
  for i = 1, #bits - 2, 3 do
    local a, b, c = bits:byte(i, i + 2)
    local group = a << 16 | b << 8 | c
    for shift = 18, 0, -6 do
      local digit = (group >> shift & 63) + 1
      digits[#digits + 1] = alphabet:sub(digit, digit)
    end
  end
  local first = math.ceil(before * 8 / 6)
  local last = (before + #text) * 8 // 6
  return table.concat(digits, "", first + 1, last)
end

local function add_base64(list, text)
  for before = 0, 2 do
    local core = base64_core(text, before)
    list[#list + 1] = core
    list[#list + 1] = core:gsub("%+", "-"):gsub("/", "_")
  end
end

--- What `base64 FILE` prints of a long one: lines of 76 digits, or 64.
local function add_wrapped_base64(list, text)
  local core = base64_core(text, 0)
  for _, width in ipairs { 76, 64 } do
    for at = 1, #core > width and #core or 0, width do
      local line = core:sub(at, at + width - 1)
      if #line >= 8 then list[#list + 1] = line end
    end
  end
end

local function add_hex(list, text)
  for _, digits in ipairs { "%02x", "%02X" } do
    list[#list + 1] = text:gsub(".", function(c) return digits:format(c:byte()) end)
  end
end

--- What libraries leave as it is differs; so does the case of the digits.
local kept_in_urls = { "[^%w%-._~]", "[^%w%-._~/]", "[^%w%-._~!'()*]", "[^%w%-._*]" }

local function add_url(list, text)
  for _, other in ipairs(kept_in_urls) do
    for _, digits in ipairs { "%%%02X", "%%%02x" } do
      local form = text:gsub(other, function(c) return digits:format(c:byte()) end)
      list[#list + 1] = form
      list[#list + 1] = form:gsub("%%20", "+")
    end
  end
end

local names = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function add_json(list, text)
  local form = text:gsub('[%c"\\]', function(c)
    return names[c] or ("\\u%04x"):format(c:byte())
  end)
  list[#list + 1] = form
  list[#list + 1] = form:gsub("/", "\\/")
end

local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

--- What must be escaped in XML differs by the place; the apostrophe has two names.
local function add_xml(list, text)
  for _, special in ipairs { "[&<]", "[&<>]", '[&<>"]' } do
    local form = text:gsub(special, entities)
    list[#list + 1] = form
    list[#list + 1] = form:gsub("'", "&apos;")
    list[#list + 1] = form:gsub("'", "&#39;")
  end
end

--- The lines of a key file are printed one by one, and indented. Short ones and the
--- heading are no secret.
local function add_lines(list, text)
  if not text:find "\n" then return end
  for line in text:gmatch "[^\r\n]+" do
    line = line:match "^%s*(.*%S)" or ""
    if #line >= 8 and not line:find "^%-%-%-%-%-" then list[#list + 1] = line end
  end
end

---@param secret string
---@return string[] forms some of them twice
function forms.of(secret)
  local list = { secret }
  add_url(list, secret)
  add_json(list, secret)
  add_xml(list, secret)
  add_base64(list, secret)
  add_wrapped_base64(list, secret)
  add_hex(list, secret)
  add_lines(list, secret)
  return list
end

return forms
