--- Bytes as hexadecimal digits, two each, in lower case, for keys and names. (orch.hash.hex is
--- that for scripts, and costs them libcrypto.)
---
---     hex "\1\255"      --> "01ff"

local DIGEST = ("%02x"):rep(16)

---@param bytes string
---@return string digits
local function hex(bytes)
  if #bytes == 16 then return DIGEST:format(bytes:byte(1, 16)) end -- as nearly all are
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

return hex
