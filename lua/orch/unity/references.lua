--- What a scene, a prefab, a material refers to: the GUIDs in its text. A search, no parse: a
--- scene of 10 MB takes some milliseconds.
---
---     for _, r in ipairs(references.read "Assets/Main.unity") do print(r.line, r.guid) end

local errors = require "orch.core.error"
local lfs = require "orch.asset.lfs"

local references = {}

local byte, find, lower = string.byte, string.find, string.lower
local match, sub = string.match, string.sub

--- Files that may refer to others. `.asmdef` and `.asmref` are JSON with "GUID:...".
local extensions = {}
for name in ([[unity prefab mat asset anim controller overrideController playable mask
  physicMaterial physicsMaterial2D spriteatlas spriteatlasv2 terrainlayer renderTexture lighting
  mixer preset guiskin fontsettings flare brush cubemap shadervariants signal scenetemplate
  giparams asmdef asmref meta]]):gmatch "%S+" do
  extensions[name:lower()] = true
end

---Whether a file of that name may refer to others.
---@param path string
---@return boolean
function references.may(path)
  local extension = path:match "%.([^./]*)$"
  return extension ~= nil and extensions[extension:lower()] == true
end

--- The second is that of Addressables, the third that of assembly definitions, in JSON.
local needles = { "guid: ", "AssetGUID: ", '"GUID:' }

---The GUIDs in a text, at their places; those of one spelling after those of another. A component
---may have an id of its own that looks like one: see `refers`.
---@param text string
---@return fun(): string?, integer?, boolean? next_one GUID in lower case, offset of its first
---  digit, whether it is a reference for sure
function references.scan(text)
  local n, at = 1, 1
  return function()
    while n <= #needles do
      local first, last = find(text, needles[n], at, true)
      if not first then
        n, at = n + 1, 1
      else
        at = last + 1
        local guid = match(text, "^%x+", at)
        if guid and #guid == 32 then return lower(guid), at, n > 1 end
      end
    end
  end
end

local function before(text, at, length)
  return sub(text, at > length and at - length or 1, at - 1)
end

---The object in the file that a GUID belongs to: `{fileID: 123, guid: ...}`.
---@param text string
---@param at integer where the GUID begins
---@return integer?
function references.file_id(text, at)
  local id = match(before(text, at, 80), "fileID: (%-?%d+),%s*guid: $")
  return id and math.tointeger(tonumber(id))
end

---Whether `guid: ...` is a reference: with a fileID, or behind a path as in the list of scenes.
---@param text string
---@param at integer where the GUID begins
---@return boolean
function references.refers(text, at)
  return references.file_id(text, at) ~= nil
    or find(before(text, at, 1024), "\n *path: [^\n]*\n *guid: $") ~= nil
end

--- Lines from offsets that grow; from the beginning again where one is smaller.
local function line_counter(text)
  local line, from = 1, 1
  return function(at)
    if at < from then line, from = 1, 1 end
    local next_end = find(text, "\n", from, true)
    while next_end and next_end < at do
      line, from = line + 1, next_end + 1
      next_end = find(text, "\n", from, true)
    end
    return line
  end
end
references.line_counter = line_counter

---Why the references of a file cannot be read, or nil.
---@param text string
---@return string? why completes "it ..."
---@return "binary"|"lfs"|nil what
function references.unreadable(text)
  if byte(text) == 37 then return nil end -- %YAML
  if lfs.pointer(text) then return lfs.sentence, "lfs" end
  if find(sub(text, 1, 512), "[%z\1-\8\14-\31]") then
    return "is serialised as binary, which orch does not read: Edit > Project Settings > Editor "
      .. "> Asset Serialization > Force Text (lighting data stays binary all the same)", "binary"
  end
end

---@class orch.unity.Reference
---@field guid string 32 hex digits in lower case
---@field file_id integer? which object of that asset; nil where the text says none
---@field line integer

---@async
---@param path string
---@return orch.unity.Reference[] list by line; raises kinds `format` and `os`
function references.read(path)
  local text = require("orch.fs").read(path)
  local why, what = references.unreadable(text)
  if why then
    errors.throw(errors.make { kind = "format", path = path, binary = what == "binary",
      message = ("'%s' %s"):format(path, why) })
  end
  local list, line_of = {}, line_counter(text)
  for guid, at, sure in references.scan(text) do
    if sure or references.refers(text, at) then
      list[#list + 1] = { guid = guid, file_id = references.file_id(text, at),
        line = line_of(at), at = at }
    end
  end
  table.sort(list, function(a, b) return a.at < b.at end)
  for _, reference in ipairs(list) do reference.at = nil end
  return list
end

return references
