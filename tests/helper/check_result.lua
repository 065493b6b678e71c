--- Results of checks that nobody ran, in the shape of the engine's: for tests of whatever
--- shows one. The same options give the same result.
---
---     local results = dofile(here .. "/helper/check_result.lua")
---     results.few()            -- three errors, a warning, two notes, and all that goes along
---     results.many(5000)       -- so many findings, most of them alike
---     results.broken()         -- rules that do not work
---     results.evil()           -- names and texts that nobody should trust
---     results.of(findings)     -- whatever a test wants
---     results.draw { picture = "thumb", path = "a.png" }       -- a PNG, in place of image.render

local pictures = dofile(debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$" .. "/picture.lua")

local results = { draw = pictures.draw }

local MIB = 1 << 20

local function rule(id, fields)
  local out = {
    id = id, title = id, files = { "Assets/**" }, severity = "error", scope = "file",
    fixes = {}, owner = "@tech-art", docs = "https://wiki.example.net/art/textures#%s", tags = {},
    where = "checks/textures.lua:12", source = "checks/textures.lua", line = 12, timeout = 10,
    shipped = false,
  }
  for name, value in pairs(fields) do out[name] = value end
  return out
end

local function rules()
  return {
    rule("audio.rate", { title = "Sample rate is one that the game mixes",
      why = "Other rates are converted while the game runs, which costs time and quality.",
      files = { "Assets/**/*.{wav,ogg}" }, owner = "@sound", docs = false, severity = "warning",
      where = "checks/audio.lua:3", source = "checks/audio.lua", line = 3,
      fixes = { convert = { label = "convert to 48 kHz", safe = false } } }),
    rule("texture.name", { title = "Names are unique and follow T_Name_Suffix", scope = "project",
      why = "Two textures whose names differ by case only are one file on Windows.",
      line = 61, where = "checks/textures.lua:61" }),
    rule("texture.normal-map", { title = "Normal maps are linear and really are normal maps",
      why = "A normal map that is read as sRGB bends every normal: lighting looks washed out.",
      files = { "Assets/**/*_N.{png,tga}" }, line = 36, where = "checks/textures.lua:36",
      fixes = { untag = { label = "remove the sRGB tag", safe = true } } }),
    rule("texture.size", { title = "Texture fits the memory budget",
      why = "A texture takes four times the memory when its sides double.",
      files = { "Assets/**/*.{png,tga,psd,tif,exr,dds}", "!Assets/ThirdParty/**" },
      config = { { "Assets/UI/**", max = 1024 }, { "Assets/Heroes/**", max = 4096 },
        { "**", max = 2048 } },
      fixes = { resize = { label = "resize to the budget", safe = false } } }),
    rule("texture.unused-alpha", { title = "Alpha channel is used", severity = "info",
      why = "An alpha channel that is opaque doubles what a compressed texture takes.",
      line = 52, where = "checks/textures.lua:52", tags = { "memory" } }),
  }
end

local function by_place(a, b)
  if a.path ~= b.path then return a.path < b.path end
  if (a.line or 0) ~= (b.line or 0) then return (a.line or 0) < (b.line or 0) end
  return a.rule < b.rule
end

---@param findings table[]
---@param more table? fields that the result gets besides
---@return table result
function results.of(findings, more)
  local list, by_id = rules(), {}
  for _, one in ipairs(list) do by_id[one.id] = one end
  table.sort(findings, by_place)
  local counts = { error = 0, warning = 0, info = 0 }
  for i, finding in ipairs(findings) do
    counts[finding.severity] = counts[finding.severity] + 1
    finding.template = finding.template or finding.message
    finding.key = finding.key or ("%016x"):format(i * 0x9e3779b97f4a7c15)
  end
  local result = {
    findings = findings, files = 1204, checked = 24, cached = 1180, rules = list,
    counts = counts, elapsed = 0.3123, folder = "/srv/game", waived = {}, baselined = 0,
    fixed = {}, ignored = 0,
    ruleset = { list = list, by_id = by_id, findings = {}, ignore = {}, folder = "checks",
      sources = { "checks/audio.lua", "checks/textures.lua" } },
  }
  for name, value in pairs(more or {}) do result[name] = value end
  return result
end

local function too_big(path, side, budget, vram)
  return {
    rule = "texture.size", severity = "error", path = path,
    message = ("%d x %d is bigger than the %d px budget for this folder"):format(side, side,
      budget),
    template = "%d x %d is bigger than the %d px budget for this folder",
    found = side .. " x " .. side, wanted = "at most " .. budget .. " px",
    cost = { vram = vram }, fix = "resize",
    hint = "resize it in your paint program, or raise the budget of this folder in the rule",
    pictures = { { picture = "thumb", path = path, size = 160 } },
  }
end

local function tagged(path)
  return {
    rule = "texture.normal-map", severity = "error", path = path,
    message = "saved as sRGB: lighting will look washed out",
    found = "sRGB tag", wanted = "linear (no tag)", fix = "untag",
    hint = "Photoshop: Edit > Assign Profile > Don't Color Manage, then export again",
    pictures = { { picture = "thumb", path = path, size = 160 },
      { picture = "channel", path = path, channel = "b", size = 160, label = "blue" } },
  }
end

local function opaque(path, vram)
  return { rule = "texture.unused-alpha", severity = "info", path = path,
    message = "alpha is fully opaque", cost = { vram = vram } }
end

---The example of a day: few findings, each of another kind.
---@return table result
function results.few(more)
  return results.of({
    too_big("Assets/Props/T_Crate_N.png", 4096, 2048, 16 * MIB),
    tagged "Assets/Props/T_Crate_N.png",
    { rule = "texture.name", severity = "error", path = "Assets/UI/t_icon_d.png",
      message = "same name as Assets/UI/Old/T_Icon_D.png", template = "same name as %s",
      related = { { path = "Assets/UI/Old/T_Icon_D.png", note = "the other one" } } },
    { rule = "audio.rate", severity = "warning", path = "Assets/Audio/steps.wav",
      message = "22.05 kHz is converted while the game runs", found = "22.05 kHz",
      wanted = "48 kHz", fix = "convert", cost = { ms = 0.4, disk = 310000 } },
    opaque("Assets/Heroes/T_Hair_D.tga", 4 * MIB),
    opaque("Assets/UI/T_Frame_D.png", 512 * 1024),
  }, more)
end

local folders = { "Props/Crates", "Props/Doors", "UI/Icons", "Heroes/Mage", "Terrain", "Vehicles" }

---So many findings, as a project has them that is checked for the first time.
---@param n integer
---@return table result
function results.many(n, more)
  local findings = {}
  for i = 1, n do
    local folder = folders[i * 7 % #folders + 1]
    local path = ("Assets/%s/T_Thing%04d_D.png"):format(folder, i)
    local kind = i % 10
    if kind < 5 then
      findings[i] = too_big(path, 2048 << i % 3, 1024, (1 + i % 5) * 4 * MIB)
    elseif kind < 7 then
      findings[i] = opaque(path, (1 + i % 3) * MIB)
    elseif kind < 8 then
      findings[i] = { rule = "audio.rate", severity = "warning", message =
        "22.05 kHz is converted while the game runs", path = path:gsub("_D.png$", ".wav"),
        found = "22.05 kHz", wanted = "48 kHz", fix = "convert", cost = { disk = 310000 + i } }
    else
      findings[i] = tagged((path:gsub("_D.png$", "_N.png")))
    end
  end
  return results.of(findings, more)
end

---Rules with a typo, a crash and no end: findings in their own files.
---@return table result
function results.broken()
  return results.of {
    { rule = "rule.broken", severity = "error", path = "checks/textures.lua", line = 14,
      column = 24, message = "the rule texture.size failed: an image has no field `widht`; did "
        .. "you mean `width`?", hint = "mend the rule; all others ran",
      code = { text = "    if math.max(img.widht, img.height) <= cfg.max then return end",
        column = 21, width = 5 } },
    { rule = "rule.broken", severity = "error", path = "checks/audio.lua", line = 9,
      message = "'=' expected near 'local'",
      code = { text = "\tlocal rate\tlocal x = 1", column = 13, width = 5 } },
    too_big("Assets/Props/T_Crate_N.png", 4096, 2048, 16 * MIB),
  }
end

local EVIL = "</script><img src=x onerror=alert(1)>'\"&\u{2028}\27[31m\u{202e}"

---Whatever a file or a rule may be called and say.
---@return table result
function results.evil()
  local findings, names = {}, {
    "Assets/a\nb.png", "Assets/caf\xe9.png", "Assets/" .. EVIL .. ".png", "Assets/it's $(rm).png",
    "Assets/tab\there\r.png", "-rf", "Assets/\u{1F4A9} ümlaut.png", "Assets/100%.png", "a,b:c.png",
  }
  for i, name in ipairs(names) do
    findings[i] = { rule = i % 2 == 0 and "texture.normal-map" or EVIL, severity = "error",
      path = name, message = EVIL .. "\nand a second line", found = EVIL, wanted = EVIL,
      hint = EVIL, fix = "untag", pointer = EVIL, cost = { [EVIL] = 1, vram = 5 },
      related = { { path = name, note = EVIL, line = 3 } },
      code = i == 1 and { text = EVIL, column = 9000, width = 9 } or nil }
  end
  return results.of(findings, { folder = "/srv/ga me\n",
    waived = { { rule = EVIL, severity = "error", path = EVIL, message = EVIL, key = "0",
      waiver = { reason = EVIL, owner = EVIL, expires = EVIL } } } })
end

---What was accepted, set right, or has run out.
---@return table more fields for `few`
function results.aside()
  local waived = too_big("Assets/Heroes/T_Boss_D.png", 8192, 4096, 64 * MIB)
  waived.key = "00000000000000aa"
  waived.waiver = { reason = "the boss fills the screen", owner = "@anna", expires = "2026-12-31" }
  return {
    waived = { waived }, baselined = 310,
    fixed = { { path = "Assets/Props/T_Door_N.png", rule = "texture.normal-map", fix = "untag",
      label = "remove the sRGB tag", safe = true, undo = "20261122-200000",
      before = { picture = "thumb", path = ".orch/undo/20261122-200000/T_Door_N.png" },
      after = { picture = "thumb", path = "Assets/Props/T_Door_N.png" } } },
  }
end

results.evil_text = EVIL
results.rules = rules

return results
