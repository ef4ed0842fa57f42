# SPDX-License-Identifier: MIT
# Languages, warnings, visibility and sanitizers for every target.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

set(ROK4_C_WARNINGS
    -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wvla -Wswitch
    -Wcast-align)
set(ROK4_CXX_WARNINGS -Wall -Wextra -Wshadow -Wvla -Wswitch -Wcast-align)
add_compile_options(
  "$<$<COMPILE_LANGUAGE:C>:${ROK4_C_WARNINGS}>"
  "$<$<COMPILE_LANGUAGE:CXX>:${ROK4_CXX_WARNINGS}>")

if(ROK4_SANITIZE)
  add_compile_options(
    -fsanitize=${ROK4_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${ROK4_SANITIZE})
endif()
if(ROK4_LIBFUZZER)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
