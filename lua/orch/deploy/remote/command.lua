--- What the commands of the two protocols look like: FTP's go to the server as they are, SFTP's
--- are libcurl's own small language, which is read here with its quotes.
---
---     command.ftp.rename("a b", "c")     -- { "RNFR a b", "RNTO c" }
---     command.sftp.rename("a b", "c")    -- { 'rename "a b" "c"' }

local command = {}

command.ftp = {
  make = function(path) return { "MKD " .. path } end,
  remove = function(path) return { "DELE " .. path } end,
  remove_folder = function(path) return { "RMD " .. path } end,
  rename = function(from, to) return { "RNFR " .. from, "RNTO " .. to } end,
}

--- In its quotes only these may have a backslash; a path without quotes ends at a space, and one
--- that begins with "/~/" is another.
local function quoted(path)
  return '"' .. path:gsub('[\\"]', "\\%0") .. '"'
end

command.sftp = {
  make = function(path) return { "mkdir " .. quoted(path) } end,
  remove = function(path) return { "rm " .. quoted(path) } end,
  remove_folder = function(path) return { "rmdir " .. quoted(path) } end,
  rename = function(from, to) return { ("rename %s %s"):format(quoted(from), quoted(to)) } end,
  room = function(path) return { "statvfs " .. quoted(path) } end,
}

---The same, but it may fail.
---@param commands string[]
---@return string[]
function command.may_fail(commands)
  local list = {}
  for i, text in ipairs(commands) do list[i] = "*" .. text end
  return list
end

return command
