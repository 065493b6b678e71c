--- What a texture should be called: T_Crate_D, with a letter for what it is.
---
---     orch.image.suggest_name "wooden crate-normal.PNG"   -- "T_WoodenCrate_N.png"

local arg = require "orch.arg"

local name = {}

--- Words at the end of a name, in lower case without gaps, and the suffix that they mean.
local meanings = {
  D = "d diffuse diff albedo basecolor basecolour base color colour col bc a dif",
  N = "n normal normals nrm norm nor normalmap nml",
  M = "m metallic metalness metal metallicsmoothness",
  R = "r roughness rough rgh",
  E = "e emissive emission emit glow emi",
  AO = "ao ambientocclusion occlusion occ",
}

local suffix_of = {}
for suffix, words in pairs(meanings) do
  for word in words:gmatch "%S+" do suffix_of[word] = suffix end
end

local prefixes = { t = true, tex = true, texture = true, tx = true }

--- "woodenCrate-02 nrm" -> wooden, Crate, 02, nrm
local function words_of(stem)
  local words = {}
  stem = stem:gsub("(%l)(%u)", "%1 %2"):gsub("(%u)(%u%l)", "%1 %2")
  for word in stem:gmatch "[%w\128-\255]+" do words[#words + 1] = word end
  return words
end

--- The suffix, and how many words it takes: "base color" is two, "map" means nothing.
local function read_suffix(words)
  local n = #words
  if n > 2 and words[n]:lower() == "map" then n = n - 1 end
  for count = 2, 1, -1 do
    if n > count then
      local suffix = suffix_of[table.concat(words, "", n - count + 1, n):lower()]
      if suffix then return suffix, n - count end
    end
  end
  return "D", #words
end

---A name after the scheme T_Name_Suffix for a texture: D (colour), N (normals), M (metal),
---R (roughness), E (glow) or AO; D where the name does not tell.
---@param file string|{name: string} a path, or a file of a check
---@return string name with the extension in lower case, without a folder
function name.suggest(file)
  local text = type(file) == "table" and file.name or file
  arg.check("image.suggest_name", 1, text, "string")
  text = text:match "[^/]*$"
  local stem, extension = text:match "^(.+)(%.[^.]*)$"
  local words = words_of(stem or text)
  if #words > 1 and prefixes[words[1]:lower()] then table.remove(words, 1) end
  local suffix, last = read_suffix(words)
  local parts = {}
  for i = 1, last do
    parts[i] = words[i]:gsub("^%l", string.upper)
  end
  if #parts == 0 then parts[1] = "Texture" end
  return ("T_%s_%s%s"):format(table.concat(parts), suffix, (extension or ""):lower())
end

return name
