--- Cookies where no network is: what an answer from a tape or a fake puts into a client's
--- jar, and what a fake sees of it. On the network libcurl does this.

local cookie = {}

local GONE = "1" -- a second in 1970

--- Host and path of an address, and whether it is safe.
local function place_of(url)
  local scheme, host, path = url:match "^(%a[%w+.%-]*)://([^/?#]*)([^?#]*)"
  host = (host or ""):gsub("^.*@", ""):gsub(":%d+$", ""):lower()
  return host, path ~= "" and path or "/", scheme and scheme:lower() == "https"
end

local function attributes_of(text)
  local found = {}
  for part in text:gmatch "[^;]+" do
    local name, value = part:match "^%s*([^=]-)%s*=%s*(.-)%s*$"
    found[(name or part:match "^%s*(.-)%s*$"):lower()] = value or true
  end
  return found
end

local function expiry(attributes)
  local age = tonumber(attributes["max-age"])
  if age then return age > 0 and ("%d"):format(os.time() + age // 1) or GONE end
  local year = attributes.expires and tostring(attributes.expires):match "[%s-](%d%d%d%d)%s"
  return year and tonumber(year) < tonumber(os.date "%Y") and GONE or "0"
end

---Puts the cookies of an answer into a jar.
---@param jar any
---@param url string of the request
---@param head string of the answer
function cookie.store(jar, url, head)
  local host, path = place_of(url)
  for line in head:gmatch "[^\r\n]+" do
    local text = line:match "^[Ss][Ee][Tt]%-[Cc][Oo][Oo][Kk][Ii][Ee]:%s*(.*)$"
    local name, value, rest = (text or ""):match "^([^=;]+)=([^;]*);?(.*)$"
    if name then
      local attributes = attributes_of(rest)
      local domain = type(attributes.domain) == "string" and attributes.domain:gsub("^%.", "")
      local below = type(attributes.path) == "string" and attributes.path
        or path:match "^(/.*)/[^/]*$" or "/"
      jar:add(table.concat({ (attributes.httponly and "#HttpOnly_" or "")
        .. (domain and "." .. domain:lower() or host), domain and "TRUE" or "FALSE", below,
        attributes.secure and "TRUE" or "FALSE", expiry(attributes), name, value }, "\t"))
    end
  end
end

local function belongs(domain, tail, host)
  domain = domain:gsub("^#HttpOnly_", ""):gsub("^%.", ""):lower()
  return host == domain or tail == "TRUE" and host:sub(-#domain - 1) == "." .. domain
end

---The cookies of a jar that go with a request.
---@param jar any
---@param url string
---@return string? value of its header Cookie; nil: none
function cookie.header(jar, url)
  local host, path, is_safe = place_of(url)
  local list = {}
  for _, line in ipairs(jar:list()) do
    local domain, tail, below, secure, expires, name, value =
      line:match "^([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t(.*)$"
    local is_alive = expires == "0" or (tonumber(expires) or 0) > os.time()
    local inside = below and is_alive and (path == below or path:sub(1, #below) == below
      and (below:sub(-1) == "/" or path:sub(#below + 1, #below + 1) == "/"))
    if inside and belongs(domain, tail, host) and (secure ~= "TRUE" or is_safe) then
      list[#list + 1] = name .. "=" .. value
    end
  end
  table.sort(list)
  return #list > 0 and table.concat(list, "; ") or nil
end

return cookie
