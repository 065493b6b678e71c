--- Material libraries (.mtl), which OBJ files name: materials and the textures in them.
---
---     local list = mtl.read(file, "crate.mtl")       -- {{ name = "wood", textures = {...} }}

local errors = require "orch.core.error"

local mtl = {}

--- Larger ones are not read: a library of a thousand materials has 200 KB.
local MOST = 8 << 20

--- Option of a texture statement -> how many words follow it; numbers: up to so many.
local words = { ["-blendu"] = 1, ["-blendv"] = 1, ["-cc"] = 1, ["-clamp"] = 1,
  ["-imfchan"] = 1, ["-texres"] = 1, ["-type"] = 1, ["-bm"] = 1, ["-boost"] = 1, ["-mm"] = 2 }
local numbers = { ["-o"] = 3, ["-s"] = 3, ["-t"] = 3 }

local slots = { bump = true, decal = true, disp = true, norm = true, refl = true }

--- `-s 2 2 1 -bm 0.5 old wood.png` -> `old wood.png`: a name may have blanks.
local function name_of(rest)
  while true do
    local option, after = rest:match "^(%-%a+)%s+(.*)$"
    if words[option] then
      for _ = 1, words[option] do after = after:match "^%S+%s*(.*)$" or "" end
    elseif numbers[option] then
      for _ = 1, numbers[option] do
        local word, behind = after:match "^(%S+)%s+(.*)$"
        if not tonumber(word) then break end
        after = behind
      end
    else
      return rest
    end
    rest = after
  end
end

local function statement(list, line)
  local keyword, rest = line:match "^%s*(%S+)%s+(.-)%s*$"
  if keyword == "newmtl" then
    list[#list + 1] = { name = rest, textures = {}, files = {} }
  elseif keyword and #list > 0 then
    local slot = keyword:lower()
    local name = (slot:find "^map_" or slots[slot]) and name_of(rest) or ""
    if name ~= "" then
      list[#list].textures[slot] = name
      table.insert(list[#list].files, name)
    end
  end
end

---The materials of a library, in its order.
---@param text string
---@return {name: string, textures: table<string, string>, files: string[]}[] materials each
---  with its textures by statement ("map_kd", "bump", ...), and in their order, as written
function mtl.parse(text)
  local list = {}
  for line in text:gmatch "[^\r\n]+" do statement(list, line) end
  return list
end

--- What a path that was written in one file is to the file that named it.
local function joined(name, texture)
  local folder = name:match "^(.*[/\\])" or ""
  if folder == "" or texture:find "^[/\\]" or texture:find "^%a:[/\\]" then return texture end
  return folder .. texture
end

---Reads the library `name` as the model `file` names it. Paths of textures become relative
---to the model.
---@async
---@param file orch.asset.Source
---@param name string
---@return table? materials as of `parse`; nil when there is no such file, or none to read
function mtl.read(file, name)
  local path = name:gsub("\\", "/")
  if not path:find "^/" then path = (file.path:match "^(.*/)" or "") .. path end
  local ok, text = pcall(function()
    local library = file:open(path)
    return library.size <= MOST and library:all(MOST) or ""
  end)
  if not ok and not (errors.is(text) and (text.kind == "os" or text.kind == "usage")) then
    error(text, 0)
  end
  if not ok then return nil end
  local list = mtl.parse(text)
  for _, material in ipairs(list) do
    for slot, texture in pairs(material.textures) do
      material.textures[slot] = joined(name, texture)
    end
    for i, texture in ipairs(material.files) do material.files[i] = joined(name, texture) end
  end
  return list
end

return mtl
