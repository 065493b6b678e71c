--- Addresses as a tape compares them: the order of a query, a default port and the case
--- of a host do not matter.
---
---     local a, b = "HTTP://Host:80/a?c=1&b=2", "http://host/a?b=2&c=1"
---     assert(address.key("GET", a) == address.key("GET", b))

local address = {}

local ports = { http = ":80", https = ":443" }

local function unescape(text)
  return (text:gsub("%+", " "):gsub("%%(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end))
end

---name=value&... as a sorted list.
---@param text string?
---@return string[][]
function address.pairs(text)
  local list = {}
  for part in (text or ""):gmatch "[^&]+" do
    local name, value = part:match("^([^=]*)=?(.*)$")
    list[#list + 1] = { unescape(name), unescape(value) }
  end
  table.sort(list, function(a, b)
    if a[1] ~= b[1] then return a[1] < b[1] end
    return a[2] < b[2]
  end)
  return list
end

---An address in its parts.
---@param url string
---@return {origin: string, path: string, query: string[][]}
function address.split(url)
  local rest, query = url:gsub("#.*$", ""):match("^([^?]*)%??(.*)$")
  local scheme, host, path = rest:match("^(%a[%w+.%-]*)://([^/]*)(.*)$")
  if not scheme then return { origin = "", path = rest, query = address.pairs(query) } end
  scheme, host = scheme:lower(), host:lower()
  local port = ports[scheme]
  if port and host:sub(-#port) == port then host = host:sub(1, -#port - 1) end
  return { origin = scheme .. "://" .. host, path = path == "" and "/" or path,
    query = address.pairs(query) }
end

---Under which requests are looked for: equal for two that differ at most in their body.
---@param method string
---@param url string
---@return string
function address.key(method, url)
  local parts = address.split(url)
  local key = { method, " ", parts.origin, parts.path }
  for _, one in ipairs(parts.query) do
    key[#key + 1] = ("\0%s\0%s"):format(one[1], one[2])
  end
  return table.concat(key)
end

return address
