--- Dates as servers write them.
---
---     date "Sun, 06 Nov 1994 08:49:37 GMT"   -- 784111777, in headers
---     date "1994-11-06T08:49:37.000Z"        -- the same, in what they answer

local months = {
  jan = 1, feb = 2, mar = 3, apr = 4, may = 5, jun = 6, jul = 7, aug = 8, sep = 9, oct = 10,
  nov = 11, dec = 12,
}

--- Days since 1970 of a date of the Gregorian calendar.
local function days(year, month, day)
  if month <= 2 then year, month = year - 1, month + 12 end
  return 365 * year + year // 4 - year // 100 + year // 400
    + (153 * (month - 3) + 2) // 5 + day - 719469
end

local function seconds(year, month, day, h, m, s)
  return days(year, month, math.tointeger(tonumber(day))) * 86400
    + math.tointeger(tonumber(h)) * 3600 + math.tointeger(tonumber(m)) * 60
    + math.tointeger(tonumber(s))
end

---The three forms of RFC 9110, 5.6.7, and that of RFC 3339 in UTC.
---@param text string?
---@return integer? seconds since 1970
local function date(text)
  if not text then return nil end
  local day, month, year, h, m, s =
    text:match "^%a+, (%d%d?)[ -](%a%a%a)[ -](%d%d%d?%d?) (%d%d):(%d%d):(%d%d)"
  if not day then
    month, day, h, m, s, year = text:match "^%a+ (%a%a%a) +(%d%d?) (%d%d):(%d%d):(%d%d) (%d%d%d%d)$"
  end
  local number = months[(month or ""):lower()]
  if not number then
    year, month, day, h, m, s = text:match "^(%d%d%d%d)%-(%d%d)%-(%d%d)T(%d%d):(%d%d):(%d%d)[.%d]*Z$"
    number = math.tointeger(tonumber(month))
  end
  if not number then return nil end
  year = math.tointeger(tonumber(year))
  if year < 100 then year = year + (year < 70 and 2000 or 1900) end
  return seconds(year, number, day, h, m, s)
end

return date
