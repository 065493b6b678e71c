-- Textures. To change a number, edit it here; to give a folder its own, add a line such as
-- { "**/Weapons/**", max = 4096 } above the last one: the first line that fits a file counts.
-- Then: orch check Assets

local image = orch.image

-- What can be a texture, and what is packed for a graphics card already.
local SOURCES = "**/*.{png,jpg,jpeg,tga,bmp,psd,psb,tif,tiff,exr,hdr,webp}"
local PACKED = "**/*.{dds,ktx,ktx2}"

-- Pictures for papers, which no player sees; pictures that lie flat on the screen.
local PAPERS = "!**/{docs,Docs,Documentation,Documentation~,Screenshots,.github}/**"
local FLAT = "{UI,GUI,Sprites,Icons,Cursors,ui,gui,sprites,icons}"

-- What the end of a name says: T_Crate_N has directions, T_Crate_ORM numbers, T_Crate_D colours.
local function names(list)
  local set = {}
  for name in list:gmatch "%S+" do set[name] = true end
  return set
end
local NORMALS = names "n nrm norm normal normals normalmap"
local NUMBERS = names [[m r ao h orm arm rma mra metallic metalness roughness smoothness gloss
  occlusion ambientocclusion height displacement mask masks]]
local COLORS = names "d bc albedo diffuse color colour basecolor basecolour emissive emission"

-- A single letter means something in T_Crate_R, and nothing in arrow_r; N nearly always does.
local function ending(file)
  local word = file.stem:match "[_%- ](%a+)$" or ""
  if #word == 1 and word ~= "N" and not file.stem:find "^[Tt]_" then return "" end
  return word:lower()
end

local function sides(img) return img.width .. " x " .. img.height end

-- What it takes once it is block compressed, as nearly all textures should be.
local function vram(img, max) return img:vram(img.alpha and "BC7" or "BC1", max) end

-- Fixes are for what orch can write.
local function resizable(file)
  return ("png jpg jpeg tga bmp"):find(file.extension, 1, true) and "resize" or nil
end

check "texture.size" {
  title = "Textures fit the budget of their folder",
  why = "Twice the sides are four times the memory, and four times the download.",
  files = { SOURCES, PACKED, PAPERS },
  config = {
    { "**/{UI,GUI,Icons,ui,gui,icons}/**", max = 1024 },
    { "**/{Heroes,Characters,Vehicles,Terrain}/**", max = 4096 },
    { "**/{Sky,Skybox,Skyboxes,HDRI,Lightmaps}/**", max = 8192 },
    { "**", max = 2048 },
  },
  tags = { "header" },
  run = function(file, cfg)
    local img = image.info(file.path)
    if math.max(img.width, img.height) <= cfg.max then return end
    file:problem {
      "%d x %d is bigger than the %d px budget for this folder", img.width, img.height, cfg.max,
      found = sides(img), wanted = "at most " .. cfg.max .. " px",
      cost = { vram = vram(img) - vram(img, cfg.max) },
      hint = "export it smaller, or give its folder a larger `max` in the rule",
      fix = resizable(file),
    }
  end,
  fixes = { resize = { label = "resize it to the budget", safe = false,
    run = function(file, cfg)
      image.resize(file.path, { max = cfg.max, normal = NORMALS[ending(file)] })
    end } },
}

check "texture.power-of-two" {
  title = "Sides are powers of two",
  why = "Other sizes get no mips or no compression on many devices, which is four times the "
    .. "memory, or are stretched by the engine.",
  severity = "warning",
  files = { SOURCES, PAPERS, "!**/" .. FLAT .. "/**" },
  config = { smallest = 32 }, -- of smaller ones nobody notices the memory
  tags = { "header" },
  run = function(file, cfg)
    local img = image.info(file.path)
    local function is_power(n) return n & (n - 1) == 0 end
    if is_power(img.width) and is_power(img.height) then return end
    if math.max(img.width, img.height) < cfg.smallest then return end
    local width, height = image.nearest_pot(img.width), image.nearest_pot(img.height)
    file:problem {
      "%d x %d: not both sides are powers of two", img.width, img.height,
      found = sides(img), wanted = width .. " x " .. height,
      cost = { vram = img:vram "RGBA8" - vram(img) },
      hint = "export it with 64, 128, 256, ... px a side; pictures that lie flat on the screen "
        .. "belong into a folder named UI or Sprites",
      fix = resizable(file),
    }
  end,
  fixes = { resize = { label = "resize it to the nearest powers of two", safe = false,
    run = function(file)
      local img = image.info(file.path)
      image.resize(file.path, { width = image.nearest_pot(img.width),
        height = image.nearest_pot(img.height), normal = NORMALS[ending(file)] })
    end } },
}

-- Pictures that lie flat need no powers of two, but whole blocks.
check "texture.multiple-of-four" {
  title = "Sides can be divided by four",
  why = "Block compression works on 4 x 4 pixels: without it a picture takes 4 times the memory.",
  severity = "warning",
  files = { "**/" .. FLAT .. "/**/*.{png,jpg,jpeg,tga,psd}", PACKED },
  config = { smallest = 64 }, -- of smaller ones nobody notices the memory
  tags = { "header" },
  run = function(file, cfg)
    local img = image.info(file.path)
    if img.width % 4 == 0 and img.height % 4 == 0 then return end
    if math.max(img.width, img.height) < cfg.smallest then return end
    file:problem {
      "%d x %d cannot be block compressed", img.width, img.height, found = sides(img),
      wanted = ("%d x %d"):format((img.width + 3) // 4 * 4, (img.height + 3) // 4 * 4),
      cost = { vram = img:vram "RGBA8" - vram(img) },
      hint = "add empty pixels at an edge",
    }
  end,
}

local UNTAG = { label = "remove what it says about its colours; pixels stay", safe = true,
  run = function(file) image.strip_colorspace(file.path) end }

check "texture.normal-map" {
  title = "Normal maps are linear, and are normal maps",
  why = "Wrong normals are wrong light: surfaces look washed out, flat or dented.",
  files = { "**/*.{png,jpg,jpeg,tga,bmp,psd}", PAPERS },
  config = { blue = 0.7 }, -- normals point out of the surface: blue is near 1
  tags = { "pixels" },
  run = function(file, cfg)
    if not NORMALS[ending(file)] then return end
    local img = image.info(file.path)
    if img.colorspace == "srgb" then
      file:warning {
        "saved as sRGB: light will look washed out on it",
        found = "sRGB tag", wanted = "linear (no tag)",
        hint = "Photoshop: Edit > Assign Profile > Don't Color Manage, then export again",
        fix = img.format == "png" and "untag" or nil,
      }
    end
    if img.format == "jpeg" then
      file:warning { "a normal map as JPEG: its blocks are seen as dents in the light",
        found = "JPEG", wanted = "PNG or TGA", hint = "export it again from the source" }
    end
    local s = image.stats(file.path, { sample = 4096 })
    if s.blue.mean < cfg.blue then
      file:problem {
        "does not look like a normal map: its blue is %.2f, not near 1", s.blue.mean,
        found = ("blue %.2f on average"):format(s.blue.mean), wanted = "at least " .. cfg.blue,
        hint = "a height map under that name? bake normals from it, or give it another name",
        picture = { image.thumb(file.path), image.channel(file.path, "b") },
      }
    elseif math.abs(s.red.mean - 0.5) > 0.2 or math.abs(s.green.mean - 0.5) > 0.2 then
      file:problem {
        "its normals lean to one side (red %.2f, green %.2f)", s.red.mean, s.green.mean,
        wanted = "red and green near 0.5", hint = "a picture, or baked in world space?",
        picture = { image.thumb(file.path), image.channel(file.path, "r") },
      }
    end
  end,
  fixes = { untag = UNTAG },
}

check "texture.color-space" {
  title = "Colours are sRGB, numbers are linear",
  why = "A texture that is taken for the other kind is too bright or too dark in the game.",
  severity = "warning",
  files = { "**/*.{png,jpg,jpeg,tga,bmp,psd,tif,tiff,webp}", PAPERS },
  tags = { "header" },
  run = function(file)
    local img, use = image.info(file.path), ending(file)
    if NUMBERS[use] and img.colorspace == "srgb" then
      file:problem { "holds numbers (_%s), but says that they are sRGB colours", use:upper(),
        found = "sRGB tag", wanted = "linear (no tag)", hint = "export it without a profile",
        fix = img.format == "png" and "untag" or nil }
    elseif COLORS[use] and img.colorspace == "linear" and img.bits <= 16 then
      file:problem { "holds colours (_%s), but says that they are linear", use:upper(),
        found = "linear", wanted = "sRGB", hint = "export it as sRGB: banding in the dark parts "
          .. "is the least that happens otherwise" }
    elseif img.icc and img.colorspace ~= "srgb" and not img.icc:find "sRGB"
      and img.channels > 2 then
      file:problem { "has the colour profile '%s', which engines do not look at", img.icc,
        found = img.icc, wanted = "sRGB", hint = "Photoshop: Edit > Convert to Profile > sRGB" }
    end
    if img.format == "jpeg" and img.channels == 4 then
      file:error { "is CMYK, for printing: engines show it in wrong colours or not at all",
        found = "CMYK", wanted = "RGB", hint = "Photoshop: Image > Mode > RGB Color" }
    end
  end,
  fixes = { untag = UNTAG },
}

check "texture.unused-alpha" {
  title = "An alpha channel has something in it",
  why = "An alpha channel that says nothing doubles the memory of a texture (BC7 instead of BC1).",
  severity = "info",
  files = { "**/*.{png,tga,psd}", PAPERS },
  tags = { "pixels" },
  run = function(file)
    local img = image.info(file.path)
    if not img.alpha or img.palette then return end
    local alpha = image.stats(file.path).alpha
    if not alpha then return end
    if alpha.min == 1 then
      file:problem { "its alpha channel is white everywhere: nothing is transparent",
        found = img.channels .. " channels", wanted = "no alpha",
        cost = { vram = img:vram "BC7" - img:vram "BC1" }, hint = "export it without alpha",
        picture = image.channel(file.path, "a") }
    elseif alpha.max == 0 then
      file:warning { "is fully transparent: nothing of it is seen", hint = "delete it, or look "
        .. "whether the export forgot a layer", picture = image.channel(file.path, "a") }
    end
  end,
}

check "texture.name" {
  title = "Names of textures say what they are",
  why = "Who looks for the normals of a crate finds T_Crate_N; importers choose settings by it.",
  severity = "info",
  files = { SOURCES, PACKED, PAPERS, "!**/" .. FLAT .. "/**" },
  -- `everywhere = true`: all of them, not only those that begin with T_
  config = { pattern = "^T_%w[%w_]*_%u%w*$", like = "T_Crate_D (D, N, M, R, E, AO)",
    everywhere = false, leftovers = { "[Cc]opy", "%(%d+%)$", "[Uu]ntitled", "[_%- ][Ff]inal" } },
  tags = { "header" },
  run = function(file, cfg)
    for _, pattern in ipairs(cfg.leftovers) do
      if file.stem:find(pattern) then
        return file:problem { "a name for today: which of them counts tomorrow?", found = file.name,
          wanted = image.suggest_name(file), hint = "delete it, or give it a name that lasts" }
      end
    end
    if file.stem:find(cfg.pattern) or not (cfg.everywhere or file.stem:find "^T_") then return end
    file:problem { "should be named like %s", cfg.like, found = file.name,
      wanted = image.suggest_name(file),
      hint = "rename it in the engine's editor, so that what uses it still finds it" }
  end,
}

check "texture.mips" {
  title = "Packed textures have mips",
  why = "Without smaller copies a texture flickers in the distance, and is slow to draw.",
  severity = "warning",
  files = { PACKED, PAPERS, "!**/" .. FLAT .. "/**", "!**/*{LUT,lut}*" },
  config = { smallest = 128 }, -- smaller ones are hardly seen from far away
  tags = { "header" },
  run = function(file, cfg)
    local img = image.info(file.path)
    if img.mips > 1 or math.max(img.width, img.height) < cfg.smallest then return end
    file:problem { "%d x %d, and has no mips", img.width, img.height, found = "1 level",
      wanted = ("%d levels"):format(math.log(math.max(img.width, img.height), 2) // 1 + 1),
      hint = "pack it again with mips (texconv -m 0, toktx --genmipmap)" }
  end,
}

check "texture.format" {
  title = "Working files stay out of the build",
  why = "Layers and uncompressed pixels make every clone and every import slower.",
  severity = "info",
  files = { "**/*.{psd,psb,tif,tiff,bmp}", PAPERS },
  config = { smallest = 1 << 20 }, -- bytes
  tags = { "header" },
  run = function(file, cfg)
    if file.size < cfg.smallest then return end
    local img = image.info(file.path)
    file:problem { "is a working file (%s): textures are PNG, TGA or EXR", img.format:upper(),
      found = img.layers and img.layers > 0 and img.layers .. " layers" or img.format:upper(),
      wanted = "PNG, TGA or EXR", cost = { disk = file.size },
      hint = "export what the game needs, and keep the source elsewhere" }
  end,
}
