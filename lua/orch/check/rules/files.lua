-- Files of any kind: how large, how named, whether they can be read, twice there or torn.
-- Change what is in `config`; the first line that fits a file counts. To leave files out, add
-- "!**/ThirdParty/**" to `files`. Then: orch check --rule "files.*"

local fs = orch.fs

check "asset.readable" {
  title = "Files can be read, and are what their names say",
  why = "A damaged or misnamed file fails later: in the import, in the build, at a player's.",
  files = { "**/*.{png,apng,jpg,jpeg,gif,bmp,psd,psb,tif,tiff,webp,tga,ico,cur}",
    "**/*.{exr,hdr,dds,ktx,ktx2}", "**/*.{wav,ogg,opus,flac,aif,aiff,mp3}", "**/*.{gltf,glb,fbx,obj,stl}",
    "**/*.{ttf,otf,ttc,woff,woff2}" },
  config = { same = { -- formats by extension where they are called otherwise
    jpg = "jpeg", apng = "png", tif = "tiff", psb = "psd", aif = "aiff", opus = "ogg", cur = "ico",
    otf = "ttf", ttf = "otf" } },
  tags = { "header" },
  run = function(file, cfg)
    local format, extension = orch.asset.info(file.path).format, file.extension
    if format == extension or format == cfg.same[extension] then return end
    file:warning { "is a %s file, and is not named like one", format:upper(),
      found = format:upper(), wanted = "." .. format,
      hint = "rename it: many programs go by names" }
  end,
}

check "files.size" {
  title = "Files fit the budget of their folder",
  why = "Git hosts refuse files of more than 100 MB; everybody waits for each of them.",
  severity = "warning",
  config = { { "**/StreamingAssets/**", max = 500 }, { "**", max = 95 } }, -- MiB
  tags = { "header" },
  run = function(file, cfg)
    local size = file.size / (1 << 20)
    if size <= cfg.max then return end
    file:problem { "%.0f MiB are more than the %d MiB for this folder", size, cfg.max,
      found = ("%.0f MiB"):format(size), wanted = ("at most %d MiB"):format(cfg.max),
      cost = { disk = file.size - cfg.max * (1 << 20) },
      hint = "make it smaller, or keep it in Git LFS" }
  end,
}

check "files.lfs-pointer" {
  title = "Files are here, not only their Git LFS pointers",
  why = "A build with pointers in it has no textures, and says so late or never.",
  files = { "**", "!**/*.{meta,lua,cs,md,txt,json,xml,yml,yaml}" },
  tags = { "header" },
  run = function(file)
    if file.size < 100 or file.size > 300 then return end
    if fs.read(file.path):find "^version https://git%-lfs%.github%.com/spec/" then
      file:problem "is a Git LFS pointer, not the file itself; run: git lfs pull"
    end
  end,
}

local REFUSED = {}
for name in ([[con prn aux nul com1 com2 com3 com4 com5 com6 com7 com8 com9 lpt1 lpt2 lpt3 lpt4
  lpt5 lpt6 lpt7 lpt8 lpt9]]):gmatch "%S+" do REFUSED[name] = true end

check "files.name" {
  title = "Names work on every computer",
  why = "A file that Windows cannot write cannot be checked out there at all.",
  config = { longest = 180, spaces = true }, -- bytes of a path; spaces = false: not allowed
  tags = { "header" },
  run = function(file, cfg)
    local path = file.path
    if not path:find "^[%w_./-]+$" then -- most names end here
      local bad = path:match '[<>:"|?*\\%c]'
      if bad then
        local shown = bad:find "%c" and ("the character %d"):format(bad:byte()) or bad
        file:problem { "has a character in its name that Windows refuses: %s", shown,
          found = shown, hint = "rename it in the engine's editor" }
      elseif not utf8.len(path) then
        file:problem { "its name is no UTF-8: each computer shows another one",
          hint = "rename it, with letters that the others can type" }
      elseif path:find " /" or path:find " $" then
        file:problem { "a name in its path ends with a space, which Windows cuts off",
          hint = "rename it" }
      elseif not cfg.spaces and path:find(" ", 1, true) then
        file:info { "has a space in its path", hint = "rename it: T_Wood_D, not T Wood D" }
      end
    end
    if path:find "%./" or path:find "%.$" then
      file:problem { "a name in its path ends with a dot, which Windows cuts off",
        hint = "rename it" }
    end
    if REFUSED[file.name:match("^[^.]*"):lower()] then
      file:problem { "Windows keeps the name '%s' for itself", file.name, hint = "rename it" }
    end
    if #path > cfg.longest then
      file:warning { "its path has %d characters: Windows allows 260 with the folder it is in",
        #path, found = #path .. " characters", wanted = "at most " .. cfg.longest,
        hint = "shorten folder names" }
    end
  end,
}

check "files.case-collision" {
  title = "Names differ in more than upper and lower case",
  why = "On Windows and macOS two such names are one file: one of them is lost.",
  scope = "project",
  run = function(files)
    local known, told = {}, {} -- name in lower case -> as it is written first
    local function look(file, name)
      local key = name:lower()
      local other = known[key]
      if not other then
        known[key] = name
        if name:find("/", 1, true) then look(file, name:match "^(.*)/") end
      elseif other ~= name and not told[name] then
        told[name] = true
        file:problem { "'%s' and '%s' are the same name on Windows and macOS", name, other,
          found = name, wanted = "one spelling", related = { { path = other } },
          hint = "rename one of them, in two steps: git mv a tmp; git mv tmp A" }
      end
    end
    for file in files:each() do look(file, file.path) end
  end,
}

check "files.duplicate" {
  title = "No file is there twice",
  why = "Copies are downloaded and kept in memory twice, and one of them is not mended.",
  severity = "warning", scope = "project",
  files = { "**", "!**/{Packages,node_modules,Plugins}/**" },
  config = { smallest = 16384 }, -- bytes
  run = function(files, cfg)
    local by_size, twins = {}, {}
    for file in files:each() do
      local same = by_size[file.size]
      if file.size < cfg.smallest then -- not worth a look
      elseif not same then
        by_size[file.size] = { file }
      else
        same[#same + 1] = file
        if #same == 2 then twins[#twins + 1] = same end
      end
    end
    orch.map(twins, function(list)
      local by_content = {}
      for _, file in ipairs(list) do
        local hash = fs.hash(file.path)
        by_content[hash] = by_content[hash] or {}
        table.insert(by_content[hash], file)
      end
      for _, same in pairs(by_content) do
        if #same > 1 then
          same[1]:problem { "is there %d times", #same,
            related = table.move(same, 2, #same, 1, {}), found = #same .. " copies", wanted = "one",
            cost = { disk = (#same - 1) * same[1].size },
            hint = "let all that use a copy use one of them, then delete the others" }
        end
      end
    end)
  end,
}

check "files.line-endings" {
  title = "Lines of a text file end alike",
  why = "Mixed ends make whole files differ in version control; scripts with CR LF fail on Linux.",
  severity = "warning",
  files = { "**/*.{cs,lua,py,js,ts,json,xml,yaml,yml,txt,md,csv,ini,cfg,toml,sh,bat,cmd}",
    "**/*.{shader,hlsl,glsl,cginc,compute,asmdef,c,cpp,h,hpp,uxml,uss,gd,tscn,tres,gltf,obj,mtl}",
    "**/.{gitattributes,gitignore,editorconfig}" },
  config = {
    { "**/*.{sh,py}", want = "LF" },
    { "**/*.{bat,cmd}", want = "CR LF" },
    { "**", want = "either" }, -- "LF", "CR LF" or "either": all lines of a file alike
  },
  run = function(file, cfg)
    if file.size > 16 << 20 then return end
    local text = fs.read(file.path)
    local crlf = text:find("\r\n", 1, true) and select(2, text:gsub("\r\n", "")) or 0
    if crlf == 0 and cfg.want ~= "CR LF" then return end
    if text:find("\0", 1, true) then return end -- no text, or UTF-16
    local lf = select(2, text:gsub("\n", "")) - crlf
    local right = cfg.want == "CR LF" and crlf or cfg.want == "LF" and lf or math.max(crlf, lf)
    local wrong = crlf + lf - right
    if wrong == 0 then return end
    local is_mixed = crlf > 0 and lf > 0
    file:problem { is_mixed and "some lines end with CR LF, others with LF"
        or "lines end with " .. (crlf > 0 and "CR LF" or "LF"),
      found = ("%d x CR LF, %d x LF"):format(crlf, lf),
      wanted = cfg.want == "either" and "all alike" or cfg.want,
      hint = "a line such as `* text=auto` in .gitattributes keeps them alike", fix = "convert" }
  end,
  fixes = { convert = { label = "end all lines alike", safe = true,
    run = function(file, cfg)
      local text = fs.read(file.path)
      local crlf = select(2, text:gsub("\r\n", ""))
      local lf = select(2, text:gsub("\n", "")) - crlf
      local to_crlf = cfg.want == "CR LF" or cfg.want == "either" and crlf > lf
      text = text:gsub("\r\n", "\n")
      fs.write(file.path, to_crlf and text:gsub("\n", "\r\n") or text)
    end } },
}
