-- The rules for textures that come with orch: of each a file that passes and one that does not.

local engine = require "orch.check.engine"
local fs = orch.fs
local load = require "orch.check.load"

local UI, HERO = "Assets/UI/button.png", "Assets/Heroes/T_Knight_D.png"

describe("texture.size", function()
  it("has a budget for each folder", function()
    check.expect("texture.size", { width = 2048 }):passes()
    check.expect("texture.size", { width = 4096 }):fails { found = "4096 x 4096",
      wanted = "at most 2048 px", severity = "error", fix = "resize",
      message = "4096 x 4096 is bigger than the 2048 px budget" }
    check.expect("texture.size", { width = 4096, path = HERO }):passes()
    check.expect("texture.size", { width = 1025, height = 8, path = UI }):fails {
      wanted = "at most 1024 px" }
  end)

  it("says what is wasted, and offers a fix only for what orch can write", function()
    local found = check.expect("texture.size", { width = 4096, alpha = true }).findings[1]
    expect(found.cost.vram):equals(22369648 - 5592432)
    found = check.expect("texture.size", { width = 4096, path = "a/big.dds" }).findings[1]
    expect(found.fix):is_nil()
  end)

  it("takes another configuration", function()
    check.expect("texture.size", { width = 512 }, { config = { max = 256 } }):fails()
  end)
end)

describe("texture.power-of-two", function()
  it("lets through powers of two, small pictures, and what lies flat", function()
    check.expect("texture.power-of-two", { width = 1024, height = 64 }):passes()
    check.expect("texture.power-of-two", { width = 30, height = 17 }):passes()
    check.expect("texture.power-of-two", { width = 1000, height = 512 }):fails {
      found = "1000 x 512", wanted = "1024 x 512", severity = "warning", fix = "resize" }
    expect(function() check.expect("texture.power-of-two", { width = 30, path = UI }) end)
      :raises "does not look at 'Assets/UI/button.png'"
  end)
end)

describe("texture.multiple-of-four", function()
  it("is for pictures that lie flat, and for packed ones", function()
    check.expect("texture.multiple-of-four", { width = 300, height = 100, path = UI }):passes()
    check.expect("texture.multiple-of-four", { width = 50, height = 21, path = UI }):passes()
    check.expect("texture.multiple-of-four", { width = 301, height = 102, path = UI }):fails {
      wanted = "304 x 104", severity = "warning" }
    check.expect("texture.multiple-of-four", { width = 211, path = "a/logo.ktx2" }):fails()
  end)
end)

describe("texture.color-space", function()
  local function numbers(fields)
    fields.path = fields.path or "Assets/T_Rock_R.png"
    return check.expect("texture.color-space", fields)
  end

  it("wants numbers to be linear", function()
    numbers({}):passes()
    numbers({ colorspace = "linear" }):passes()
    numbers({ colorspace = "srgb" }):fails { fix = "untag", message = "(_R)" }
    numbers({ path = "Assets/arrow_r.png", colorspace = "srgb" }):passes()
    numbers({ path = "Assets/rock_Roughness.jpg", colorspace = "srgb" }):fails {
      message = "_ROUGHNESS" }
  end)

  it("wants colours to be sRGB", function()
    numbers({ path = "a/T_Rock_D.png", colorspace = "srgb" }):passes()
    numbers({ path = "a/T_Rock_D.png", colorspace = "linear" }):fails { found = "linear" }
    numbers({ path = "a/rock.png", icc = "Adobe RGB (1998)" }):fails {
      message = "'Adobe RGB (1998)'", wanted = "sRGB" }
    numbers({ path = "a/rock.png", icc = "sRGB IEC61966-2.1", colorspace = "srgb" }):passes()
  end)

  it("wants no CMYK", function()
    numbers({ path = "a/rock.jpg", channels = 4, alpha = false }):fails { severity = "error",
      found = "CMYK" }
  end)
end)

describe("texture.name", function()
  it("wants a use behind T_, and no leftovers", function()
    check.expect("texture.name", { path = "a/T_Wood_Crate_N.png" }):passes()
    check.expect("texture.name", { path = "a/banner.png" }):passes()
    check.expect("texture.name", { path = "a/T_Crate.png" }):fails { severity = "info",
      wanted = "T_Crate_D.png" }
    check.expect("texture.name", { path = "a/crate_final.png" }):fails()
    check.expect("texture.name", { path = "a/crate (2).png" }):fails { found = "crate (2).png" }
    check.expect("texture.name", { path = "a/banner.png" }, { config = { everywhere = true } })
      :fails { message = "T_Crate_D" }
  end)
end)

describe("texture.mips", function()
  it("wants them of packed textures", function()
    check.expect("texture.mips", { width = 1024, mips = 11, path = "a/rock.dds" }):passes()
    check.expect("texture.mips", { width = 64, mips = 1, path = "a/rock.dds" }):passes()
    check.expect("texture.mips", { width = 1024, mips = 1, path = "a/rock.ktx2" }):fails {
      wanted = "11 levels" }
  end)
end)

describe("texture.format", function()
  it("tells of large working files", function()
    check.expect("texture.format", { size = 1000, path = "a/rock.psd" }):passes()
    check.expect("texture.format", { size = 8 << 20, layers = 12, path = "a/rock.psd" }):fails {
      found = "12 layers", severity = "info" }
  end)
end)

-- Pixels of one colour, as a PNG.
local function picture(size, ...)
  local channels = select("#", ...)
  return orch.image.encode { width = size, height = size, channels = channels, bits = 8,
    data = string.char(...):rep(size * size) }
end

local function made(name, bytes)
  local path = fs.temp_dir() .. "/" .. name
  fs.write(path, bytes, { sync = false })
  return path
end

describe("texture.normal-map", function()
  it("lets through normals, and what is called otherwise", function()
    check.expect("texture.normal-map", made("T_Rock_N.png", picture(8, 128, 127, 255))):passes()
    check.expect("texture.normal-map", made("T_Rock_D.png", picture(8, 128, 90, 30))):passes()
    check.expect("texture.normal-map", made("icon_n.png", picture(8, 128, 90, 30))):passes()
  end)

  it("looks at the pixels", function()
    local found = check.expect("texture.normal-map", made("rock_normal.png",
      picture(8, 90, 90, 90))):fails { severity = "error", message = "blue is 0.35" }.findings[1]
    expect({ found.pictures[1].picture, found.pictures[2].channel }):equals { "thumb", "b" }
    check.expect("texture.normal-map", made("T_Rock_N.png", picture(8, 220, 127, 240))):fails {
      message = "lean to one side (red 0.86" }
  end)

  it("complains of JPEG", function()
    local path = made("T_Rock_N.jpg", orch.image.encode({ width = 8, height = 8, channels = 3,
      bits = 8, data = ("\128\127\255"):rep(64) }, "jpg"))
    check.expect("texture.normal-map", path):fails { found = "JPEG", severity = "warning" }
  end)
end)

describe("texture.unused-alpha", function()
  it("looks at the alpha channel", function()
    check.expect("texture.unused-alpha", made("a.png", picture(64, 1, 2, 3))):passes()
    check.expect("texture.unused-alpha", made("a.png", picture(64, 1, 2, 3, 128))):passes()
    local found = check.expect("texture.unused-alpha", made("a.png", picture(64, 1, 2, 3, 255)))
      :fails { severity = "info", found = "4 channels" }.findings[1]
    expect(found.cost.vram):equals(5488 - 2744)
    check.expect("texture.unused-alpha", made("a.png", picture(64, 1, 2, 3, 0))):fails {
      message = "fully transparent", severity = "warning" }
  end)
end)

describe("fixes of textures", function()
  local function project(files)
    local folder = fs.temp_dir()
    for path, bytes in pairs(files) do
      fs.mkdir(fs.path.dirname(folder .. "/" .. path))
      fs.write(folder .. "/" .. path, bytes, { sync = false })
    end
    return folder
  end

  local function mend(folder, only, unsafe)
    local set = load { shipped = true }
    return require("orch.check.fix").run { folder = folder, ruleset = set, unsafe = unsafe,
      check = function() return engine.run { ruleset = set, folder = folder, only = { only } } end }
  end

  it("resize to the budget and to powers of two, on demand only", function()
    local folder = project { ["UI/big.png"] = picture(1200, 9, 9, 9),
      ["Wall/odd.png"] = picture(100, 9, 9, 9) }
    local result = mend(folder, "texture.size")
    expect({ #result.fixed, #result.findings }):equals { 0, 1 }
    result = mend(folder, "texture.size", true)
    expect({ #result.fixed, #result.findings }):equals { 1, 0 }
    expect(orch.image.info(folder .. "/UI/big.png").width):equals(1024)
    result = mend(folder, "texture.power-of-two", true)
    expect({ #result.fixed, #result.findings }):equals { 1, 0 }
    expect(orch.image.info(folder .. "/Wall/odd.png").width):equals(128)
  end)

  it("untag what is no colour, and leave its pixels", function()
    local plain = picture(8, 128, 127, 255)
    local tagged = plain:sub(1, 33) .. string.pack(">I4", 1) .. "sRGB\0\174\206\28\233"
      .. plain:sub(34)
    local folder = project { ["T_a_N.png"] = tagged, ["T_b_R.png"] = tagged }
    expect(orch.image.info(folder .. "/T_a_N.png").colorspace):equals "srgb"
    for _, rule in ipairs { "texture.normal-map", "texture.color-space" } do
      local result = mend(folder, rule)
      expect({ rule, #result.fixed, #result.findings }):equals { rule, 1, 0 }
    end
    expect(fs.read(folder .. "/T_a_N.png")):equals(plain)
    expect(fs.read(folder .. "/T_b_R.png")):equals(plain)
  end)
end)
