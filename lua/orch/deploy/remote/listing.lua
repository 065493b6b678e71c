--- What a server says is in a folder: lines as of `ls -l` (OpenSSH, vsftpd, most others), of a
--- Windows server, and the facts of MLSD (RFC 3659).
---
---     listing.read("-rw-r--r-- 1 ann ann 12 Nov 23 02:31 a b\n")["a b"].size    -- 12

local listing = {}

---@class orch.deploy.remote.Entry
---@field type "file"|"folder"|"link"|"other"
---@field size integer? bytes
---@field time integer? seconds since 1970, the earliest that the listing allows
---@field span integer seconds that the time may be later: 0, a minute, or a day
---@field zoned boolean? the server wrote it in a time zone of its own, which is unknown

local months = { Jan = 1, Feb = 2, Mar = 3, Apr = 4, May = 5, Jun = 6, Jul = 7, Aug = 8, Sep = 9,
  Oct = 10, Nov = 11, Dec = 12 }

--- Days since 1970 in the proleptic Gregorian calendar.
local function days(year, month, day)
  if month <= 2 then year, month = year - 1, month + 12 end
  return 365 * year + year // 4 - year // 100 + year // 400 + (153 * (month - 3) + 2) // 5
    + day - 719469
end

local function seconds(year, month, day, hour, minute, second)
  return days(year, month, day) * 86400 + hour * 3600 + minute * 60 + (second or 0)
end

--- A listing has no year where it is less than half a year ago.
local function time_of(now, month, day, text)
  month, day = months[month], math.tointeger(tonumber(day))
  if not month then return nil end
  local hour, minute = text:match "^(%d+):(%d+)$"
  if not hour then
    local year = math.tointeger(tonumber(text))
    return year and seconds(year, month, day, 0, 0), 86399
  end
  hour, minute = math.tointeger(tonumber(hour)), math.tointeger(tonumber(minute))
  local year = os.date("!*t", now).year
  local time = seconds(year, month, day, hour, minute)
  if time > now + 86400 then time = seconds(year - 1, month, day, hour, minute) end
  return time, 59
end

local types = { ["-"] = "file", d = "folder", l = "link" }

local function unix_line(line, now)
  local kind, size, month, day, clock, name = line:match
    "^([%-dlbcpsD])[%w%-]+[.+@]?%s+.-%s(%d+)%s+(%a%a%a)%s+(%d%d?)%s+(%d[%d:]+) (.*)$"
  if not kind then return nil end
  local time, span = time_of(now, month, day, clock)
  if kind == "l" then name = name:gsub(" %-> .*$", "") end
  return name, { type = types[kind] or "other", size = kind == "-" and tonumber(size) or nil,
    time = time, span = span or 0, zoned = true }
end

local function windows_line(line)
  local month, day, year, hour, minute, half, what, name = line:match
    "^(%d%d)-(%d%d)-(%d+)%s+(%d%d):(%d%d)([AP]?M?)%s+(<?%w+>?)%s+(.*)$"
  if not month then return nil end
  year = tonumber(year)
  if year < 100 then year = year + (year < 70 and 2000 or 1900) end
  hour = tonumber(hour) % (half ~= "" and 12 or 24) + (half == "PM" and 12 or 0)
  return name, { type = what == "<DIR>" and "folder" or "file", size = tonumber(what),
    time = seconds(year, tonumber(month), tonumber(day), hour, tonumber(minute)), span = 59,
    zoned = true }
end

local function facts_line(line)
  local facts, name = line:match "^([^ ]*=[^ ]*;) (.*)$"
  if not facts then return nil end
  local said = {}
  for key, value in facts:gmatch "([^=;]+)=([^;]*);" do said[key:lower()] = value end
  local kind = (said.type or ""):lower()
  if kind == "cdir" or kind == "pdir" then return "." end
  local year, month, day, hour, minute, second =
    (said.modify or ""):match "^(%d%d%d%d)(%d%d)(%d%d)(%d%d)(%d%d)(%d%d)"
  return name, { size = kind == "file" and tonumber(said.size) or nil, -- a link's is its own
    type = kind == "file" and "file" or kind == "dir" and "folder"
      or kind:find "link" and "link" or "other",
    time = year and seconds(math.tointeger(tonumber(year)), math.tointeger(tonumber(month)),
      math.tointeger(tonumber(day)), math.tointeger(tonumber(hour)),
      math.tointeger(tonumber(minute)), math.tointeger(tonumber(second))) or nil, span = 0 }
end

---@param text string
---@param now? integer seconds since 1970
---@return table<string, orch.deploy.remote.Entry> entries by name
function listing.read(text, now)
  now = now or os.time()
  local entries = {}
  for line in text:gmatch "[^\r\n]+" do
    local name, entry = facts_line(line)
    if not name then name, entry = unix_line(line, now) end
    if not name then name, entry = windows_line(line) end
    if name and name ~= "." and name ~= ".." then entries[name] = entry end
  end
  return entries
end

return listing
