-- The mip chain of every texture, down to 1 x 1: normal maps keep their length, and colours
-- are averaged as light. Once more, only those that have changed.
--
--   orch run examples/mipmaps.lua [FOLDER [OUT]]
local fs, image = orch.fs, orch.image

local folder = orch.args[1] or "tests/data/images"
local out = orch.args[2] or "build/mips"

--- `out/T_Rock_D_mip0.png`, ...: as many as the size asks for.
local function levels(path)
  local info = image.info(path)
  local stem, names = fs.path.stem(path), {}
  local folder_there = fs.path.relative(fs.path.dirname(path), folder)
  local side = math.max(info.width, info.height)
  repeat
    names[#names + 1] = ("%s/%s/%s_mip%d.png"):format(out, folder_there, stem, #names)
    side = side // 2
  until side == 0
  return names
end

local result = orch.convert {
  files = folder .. "/**/*.png", to = levels,
  run = function(input, outputs)
    local made = image.mips(input, fs.temp_dir(), { normal = input:find "_N%.png$" ~= nil })
    for i, level in ipairs(made) do fs.move(level.path, outputs[i]) end
  end,
  progress = "making mips", check = false,
}

print(("%d converted, %d as before, %d failed; %d levels in %s"):format(result.converted,
  result.skipped, #result.failed, #result.outputs, out))
for _, failure in ipairs(result.failed) do print("  " .. tostring(failure.error)) end
