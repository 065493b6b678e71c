--- The formats that come with orch: by which bytes a file of theirs begins, and how it is
--- named. The reader itself is the module orch.asset.FORMAT, loaded with its first file.

---@class orch.asset.Format
---@field format string
---@field kind string
---@field extensions string[] lower case
---@field magic? string|string[]|fun(head: string): boolean the first bytes, or a look at up to
---  4 KiB of them; nil: chosen by the extension
---@field read? fun(source: orch.asset.Source): table

local function riff(form)
  return function(head)
    return head:find "^RIF[FX]" ~= nil and head:sub(9, 12) == form
  end
end

local function wav(head)
  local id = head:sub(1, 4)
  return (id == "RIFF" or id == "RIFX" or id == "RF64" or id == "BW64")
    and head:sub(9, 12) == "WAVE"
end

local function aiff(head)
  return head:find "^FORM....AIF[FC]" ~= nil
end

--- An icon or a cursor. TGA files begin alike, but have zeros where the number of pictures
--- would be; the first picture has a zero in its fourth byte, and its size.
local function ico(head)
  return head:find "^%z%z[\1\2]%z" ~= nil and head:sub(5, 6) ~= "\0\0"
    and head:byte(10) == 0 and #head >= 22 and head:sub(15, 18) ~= "\0\0\0\0"
end

--- A frame of MPEG audio, or the tag in front of it.
local function mp3(head)
  if head:sub(1, 3) == "ID3" then return true end
  local a, b, c = head:byte(1, 3)
  return c ~= nil and a == 0xFF and b & 0xE0 == 0xE0 and b & 0x06 == 0x02 and b & 0x18 ~= 0x08
    and c & 0xF0 ~= 0xF0 and c & 0x0C ~= 0x0C
end

local function fbx_text(head)
  return head:find "^%s*; FBX [%d.]+ project file" ~= nil
    or head:find("Kaydara FBX Binary  ", 1, true) == 1
end

return {
  { format = "png", kind = "image", extensions = { "png", "apng" },
    magic = "\137PNG\r\n\26\n" },
  { format = "jpeg", kind = "image", extensions = { "jpg", "jpeg", "jpe", "jfif" },
    magic = "\255\216\255" },
  { format = "gif", kind = "image", extensions = { "gif" }, magic = { "GIF87a", "GIF89a" } },
  { format = "bmp", kind = "image", extensions = { "bmp", "dib" }, magic = "BM" },
  { format = "psd", kind = "image", extensions = { "psd", "psb" }, magic = "8BPS" },
  { format = "tiff", kind = "image", extensions = { "tif", "tiff" },
    magic = { "II*\0", "MM\0*", "II+\0", "MM\0+" } },
  { format = "exr", kind = "image", extensions = { "exr" }, magic = "\118\47\49\1" },
  { format = "hdr", kind = "image", extensions = { "hdr", "pic", "rgbe" },
    magic = { "#?RADIANCE", "#?RGBE" } },
  { format = "dds", kind = "image", extensions = { "dds" }, magic = "DDS " },
  { format = "ktx", kind = "image", extensions = { "ktx" }, magic = "\171KTX 11\187\r\n\26\n" },
  { format = "ktx2", kind = "image", extensions = { "ktx2" },
    magic = "\171KTX 20\187\r\n\26\n" },
  { format = "webp", kind = "image", extensions = { "webp" }, magic = riff "WEBP" },
  { format = "ico", kind = "image", extensions = { "ico", "cur" }, magic = ico },
  { format = "tga", kind = "image", extensions = { "tga", "vda", "icb", "vst" } },

  { format = "wav", kind = "audio", extensions = { "wav", "wave" }, magic = wav },
  { format = "ogg", kind = "audio", extensions = { "ogg", "oga", "opus" }, magic = "OggS" },
  { format = "flac", kind = "audio", extensions = { "flac" }, magic = "fLaC" },
  { format = "aiff", kind = "audio", extensions = { "aif", "aiff", "aifc" }, magic = aiff },
  { format = "mp3", kind = "audio", extensions = { "mp3" }, magic = mp3 },

  { format = "glb", kind = "model", extensions = { "glb" }, magic = "glTF" },
  { format = "gltf", kind = "model", extensions = { "gltf" } },
  { format = "fbx", kind = "model", extensions = { "fbx" }, magic = fbx_text },
  { format = "obj", kind = "model", extensions = { "obj" } },
  { format = "stl", kind = "model", extensions = { "stl" } },

  { format = "font", kind = "font",
    extensions = { "ttf", "otf", "ttc", "otc", "woff", "woff2" },
    magic = { "\0\1\0\0", "OTTO", "true", "ttcf", "wOFF", "wOF2" } },

  { format = "unity_meta", kind = "unity", extensions = { "meta" } },
  { format = "unity_yaml", kind = "unity",
    extensions = { "unity", "prefab", "asset", "mat", "anim", "controller" } },
}
