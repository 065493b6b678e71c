-- Makes a small game with faults in it, and the rules that find them:
--
--   orch run examples/checks/make_game.lua /tmp/game && orch check -C /tmp/game

local fs = orch.fs
local game = orch.args[1] or "game"

local function write(path, text)
  fs.mkdir(fs.path.dirname(game .. "/" .. path))
  fs.write(game .. "/" .. path, text, { sync = false })
end

-- A picture from a function of x and y that gives red, green, blue and perhaps alpha.
local function picture(width, height, color)
  local rows = {}
  for y = 0, height - 1 do
    local row = {}
    for x = 0, width - 1 do row[#row + 1] = string.char(color(x, y)) end
    rows[#rows + 1] = table.concat(row)
  end
  return orch.image.encode { width = width, height = height, bits = 8, data = table.concat(rows),
    channels = select("#", color(0, 0)) }
end

local function wood(x, y)
  local ring = (x // 16 + y // 128) % 4 * 14
  return 150 - ring, 98 - ring, 52 - ring // 2
end
local function bumps(x, y)
  return 128 + math.floor(40 * math.sin(x / 9)), 128 + math.floor(40 * math.sin(y / 9)), 240
end
local function gray(x, y) return 40 + (x * 3) % 90, 40 + (x * 3) % 90, 40 + (y * 5) % 90 end
local function leaf(x, y) return 60, 120 + (x + y) % 40, 40, 255 end
local SRGB = string.pack(">I4", 1) .. "sRGB\0\174\206\28\233" -- what makes it a picture of colours

local function wav(seconds, channels, silence)
  local samples = {}
  for i = 0, seconds * 44100 - 1 do
    local loud = i / 44100 >= silence and math.exp(-4 * (i / 44100 - silence)) or 0
    samples[#samples + 1] = string.pack("<i2", math.floor(12000 * loud * math.sin(i / 30)))
      :rep(channels)
  end
  local data = table.concat(samples)
  return "RIFF" .. string.pack("<I4", 36 + #data) .. "WAVEfmt " .. string.pack("<I4I2I2I4I4I2I2",
    16, 1, channels, 44100, 88200 * channels, 2 * channels, 16)
    .. "data" .. string.pack("<I4", #data) .. data
end

write("Assets/Props/T_Crate_D.png", picture(256, 256, wood))
local normals = picture(256, 256, bumps)
write("Assets/Props/T_Crate_N.png", normals:sub(1, 33) .. SRGB .. normals:sub(34))
write("Assets/Props/T_Barrel_N.png", picture(128, 128, gray))
write("Assets/Props/leaf.png", picture(128, 128, leaf))
write("Assets/Props/T_Wall_D.png", picture(1024, 512, wood))
write("Assets/UI/title.png", picture(600, 150, wood))
write("Assets/UI/broken.png", picture(64, 64, wood):sub(1, -20))
write("Assets/Sounds/SFX/step.wav", wav(1, 1, 0))
write("Assets/Sounds/SFX/door.wav", wav(1, 2, 0.3))
write("Assets/Models/crate.gltf", [[{ "asset": { "version": "2.0" },
  "buffers": [ { "uri": "crate.bin", "byteLength": 840 } ] }]])
write("Assets/Levels/forest.json", '{ "spawns": [[0, 0], [8, 0], [0, 8], [8, 8]] }\n')
write("Assets/Levels/cave.json", '{ "spawns": [[0, 0], [3, 1]] }\n')
write("Assets/Text/credits.txt", "Made by\r\nAnn\nand Ben\n")

local here = fs.path.dirname(fs.path.absolute(orch.args[0]))
for _, name in ipairs { "game.lua", "game_test.lua" } do
  write("checks/" .. name, fs.read(here .. "/checks/" .. name))
end
print(("made %s: now run  orch check -C %s"):format(game, game))
