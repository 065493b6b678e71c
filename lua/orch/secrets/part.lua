--- The secrets inside of a key file in JSON, such as a service account's: what is decoded out of
--- it no longer looks like the file.
---
---     part.of('{"type":"service_account","private_key":"..."}')

local part = {}

--- Fields that hold one, by a piece of their names.
local pieces = { "key", "secret", "token", "passw", "credential" }

local function is_secret(name)
  if type(name) ~= "string" then return false end
  name = name:lower()
  if name:find "ur[il]$" then return false end -- `token_uri` is where tokens are asked for
  for _, piece in ipairs(pieces) do
    if name:find(piece, 1, true) then return true end
  end
  return false
end

local function collect(value, list)
  for name, item in next, value do
    if type(item) == "table" then
      collect(item, list)
    elseif type(item) == "string" and #item >= 8 and is_secret(name) then
      list[#list + 1] = item
    end
  end
end

---@param text string
---@return string[] secrets none where it is no JSON
function part.of(text)
  local list = {}
  local ok, value = pcall(require("orch.json").decode, text)
  if ok and type(value) == "table" then collect(value, list) end
  return list
end

return part
