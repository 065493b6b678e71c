-- Makes crash reports as players would send them, for crash_reports.lua.
--
--   require "fake_crashes" (folder, 2000)
--
-- A report is a JSON file: version, platform, exception, stack.

local fs, json = orch.fs, orch.json

-- As the crash handlers of Unity, Android and Unreal write them; `weight` says how
-- often one happens.
local crashes = {
  { weight = 4, platform = "windows", exception = "NullReferenceException", stack = [[
UI.Inventory.Refresh (Item item) [0x00021] in Inventory.cs:87
UI.Screen.Show () [0x00007] in Screen.cs:31
Game.Menu.OnClick () [0x0000c] in Menu.cs:9
UnityEngine.Events.UnityEvent.Invoke () [0x00074] in UnityEvent.cs:58]] },
  { weight = 2, platform = "android", exception = "SIGSEGV", stack = [[
#00 pc 0x00000000004f2c1a libunity.so (Texture2D::Upload(int)+180)
#01 pc 0x00000000003a1b02 libunity.so (GfxDevice::Flush()+66)]] },
  { weight = 1, platform = "ios", exception = "OutOfMemoryException", stack = [[
Audio.Bank.Load (System.String path) [0x00042] in Bank.cs:118
Game.Level.Start () [0x00016] in Level.cs:54]] },
  { weight = 1, platform = "windows", exception = "EXCEPTION_ACCESS_VIOLATION", stack = [[
Game-Win64!UPhysics::Step() 0x00007ff61a0c2210
Game-Win64!UWorld::Tick() 0x00007ff61a0c9a31
Game-Win64!GuardedMain() 0x00007ff61a0d0004]] },
}

local chances = {} -- each crash as often as it weighs
for _, crash in ipairs(crashes) do
  for _ = 1, crash.weight do chances[#chances + 1] = crash end
end

local function make(path, i)
  local crash = chances[i % #chances + 1]
  local text = json.encode {
    version = "1." .. i % 3, platform = crash.platform, exception = crash.exception,
    -- No two players have the same addresses.
    stack = crash.stack:gsub("0x%x+", ("0x%08x"):format(i * 4096)),
  }
  if i % 400 == 0 then text = text:sub(1, 60) end -- the battery died meanwhile
  fs.write(path, text, { sync = false })
end

return function(folder, n)
  local paths = {}
  for i = 1, n do paths[i] = ("%s/%05d.json"):format(folder, i) end
  orch.each(paths, make, { concurrency = 64 })
end
